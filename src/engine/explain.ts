/** One sentence for the errors of ONNX Runtime, whose own texts are C++ file names and whole stack traces. */
import type { DeviceName } from './types.js';

interface Explanation {
  pattern: RegExp;
  sentence: (match: RegExpExecArray, device: DeviceName) => string;
  /** Where the sentence does not say it. */
  wayOut?: string;
}

const EXPLANATIONS: Explanation[] = [
  {
    pattern: /requires f16 but the device does not support it/,
    sentence: () => 'The graphics adapter has no 16-bit floats (its feature shader-f16 is missing).',
    wayOut: 'Use --precision f32.',
  },
  {
    pattern: /Failed to get a WebGPU adapter|No supported adapters|webgpu.*(not available|not supported)/i,
    sentence: () => 'No WebGPU adapter was found: no graphics driver here can be used.',
    wayOut: 'Run "hip doctor" to see what to do, or use --device cpu.',
  },
  {
    pattern: /Failed to allocate memory for requested buffer of size (\d+)/,
    sentence: ([, bytes]) =>
      `Out of memory: a tensor of ${megabytes(Number(bytes))} found no room; use a smaller batch or a smaller model.`,
  },
  {
    pattern:
      /WebAssembly\.Memory\(\)|Cannot enlarge memory|memory access out of bounds|Array buffer allocation failed|Invalid typed array length/i,
    sentence: (_, device) =>
      device === 'wasm'
        ? 'The memory of WebAssembly (4 GB at most) is used up; use a smaller batch, or --device cpu.'
        : 'Out of memory: an array found no room; use a smaller batch or a smaller model.',
  },
  {
    pattern: /std::bad_alloc|bad allocation|\bOOM\b|out of memory|VK_ERROR_OUT_OF_(DEVICE|HOST)_MEMORY/i,
    sentence: () => 'Out of memory; use a smaller batch or a smaller model.',
  },
  {
    pattern: /device (was |is )?lost|VK_ERROR_DEVICE_LOST/i,
    sentence: () =>
      'The graphics driver lost its device in the middle of a run; a smaller batch makes each run shorter, and --device cpu works without a driver.',
  },
  {
    pattern: /(?:Could not find an implementation for|Failed to find kernel for) (\w+)/,
    sentence: ([, operator], device) =>
      `ONNX Runtime has no kernel for the operator ${operator} on ${device}; use another --device.`,
  },
  {
    pattern: /Cannot find (?:package|module) '(onnxruntime-[a-z]+)[/']/,
    sentence: ([, name]) => `The package ${name} is not installed; run "npm install" in the project's folder.`,
  },
  {
    pattern:
      /onnxruntime_binding\.node|libonnxruntime[^ ]*: cannot open shared object|invalid ELF header|not a valid Win32 application/,
    sentence: () => 'onnxruntime-node has no binary for this platform; use --device wasm.',
  },
];

/** The error text of a device as one readable sentence, and the way out. */
export function explain(text: string, device: DeviceName): string {
  const wayOut = EXPLANATIONS.find(({ pattern }) => pattern.test(text))?.wayOut;
  return [reasonFor(text, device), wayOut].filter(Boolean).join(' ');
}

/** What went wrong, without advice. */
export function reasonFor(text: string, device: DeviceName): string {
  for (const { pattern, sentence } of EXPLANATIONS) {
    const match = pattern.exec(text);
    if (match) return sentence(match, device);
  }
  return withoutLocations(text);
}

/** Without C++ locations (`/file.cc:12 Type ns::function(args) condition was false. `), on one line, ending in a full stop. */
function withoutLocations(text: string): string {
  const message = text
    .replace(/\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : /, '')
    .replace(/\S*\.(?:cc|h|cpp):\d+ .*? (?:was false\. |(?=[A-Z][a-z]))/gs, '')
    .replace(/(?:\r?\n|\\n)\s*(?:at .*|Stacktrace:.*)$/s, '')
    .replace(/\s+/g, ' ')
    .trim();
  return /[.!?]$/.test(message) ? message : `${message}.`;
}

function megabytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
