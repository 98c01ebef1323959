/** The doctor: it says what works, and for the rest why not and what to do; broken drivers do not take it down. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probeDevice, probeDevices, systemReport } from '../../src/engine/doctor.js';
import { explain } from '../../src/engine/explain.js';
import { createEngine } from '../../src/engine/index.js';
import { Graph, input } from '../../src/graph/index.js';

test('cpu, wasm and the reference work, with their speed', async () => {
  const reports = await probeDevices(['cpu', 'wasm', 'reference']);
  assert.deepEqual(
    reports.map((r) => [r.device, r.works]),
    [
      ['cpu', true],
      ['wasm', true],
      ['reference', true],
    ],
    JSON.stringify(reports),
  );
  assert.match(reports[0].detail, /\d+ threads?, .* \d GFLOP\/s|\d+ threads?, .* [\d.]+ GFLOP\/s/);
});

test('a WebGPU driver that is not there is named, with a way out', {
  skip: process.platform === 'linux' ? false : "the variable is Vulkan's",
}, async () => {
  const report = await probeDevice('webgpu', {
    speed: false,
    environment: { VK_ICD_FILENAMES: '/nonexistent/driver.json' },
  });
  assert.equal(report.works, false);
  assert.match(report.reason!, /No WebGPU adapter was found/);
  assert.match(report.advice!, /libvulkan1|Vulkan driver/);
  assert.ok(!`${report.reason}${report.advice}`.includes('\n'));
});

test('the surroundings are reported', async () => {
  const report = await systemReport();
  assert.equal(report.node, process.versions.node);
  assert.ok(report.cores >= 1 && report.memory > 0 && report.availableMemory > 0);
  assert.match(report.sharp!, /^\d+\./);
});

const native = (message: string) =>
  `Error: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:359 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) ${message}\n\n    at Session.run (x.js:1:2)`;

for (const [what, text, expected] of [
  [
    'no adapter',
    native(
      'adapter_result.status == wgpu::RequestAdapterStatus::Success was false. Failed to get a WebGPU adapter: No supported adapters',
    ),
    /^No WebGPU adapter/,
  ],
  [
    'memory',
    native('Failed to allocate memory for requested buffer of size 68719476736'),
    /^Out of memory: a tensor of 68\.7 GB/,
  ],
  ['bad_alloc', 'std::bad_alloc', /^Out of memory/],
  ['wasm memory', 'RangeError: WebAssembly.Memory(): could not allocate memory', /^The memory of WebAssembly \(4 GB/],
  [
    'no kernel',
    "Could not find an implementation for Foo(11) node with name ''",
    /no kernel for the operator Foo on wasm/,
  ],
  ['package', "Cannot find package 'onnxruntime-web' imported from /x/y.js", /onnxruntime-web is not installed/],
] as const) {
  test(`a native error is explained: ${what}`, () => {
    const sentence = explain(text, 'wasm');
    assert.match(sentence, expected);
    assert.match(sentence, /^[^\n]*\.$/);
  });
}

test('an unknown native error keeps its message without C++ locations', () => {
  const sentence = explain(
    "Non-zero status code returned while running Gather node. Name:'g' Status Message: indices element out of data bounds, idx=9 must be within the inclusive range [-3,2]",
    'cpu',
  );
  assert.match(sentence, /running Gather node.*idx=9/);
});

test('a failing run is one sentence, with the whole text as its cause, and the engine lives on', async () => {
  await using engine = await createEngine({ device: 'cpu' });
  const program = await engine.compile(Graph.of({ y: input('x', [3]).gather(input('i', [1], 'i32')) }));
  const x = Float32Array.of(1, 2, 3);
  await assert.rejects(program.run({ x, i: Int32Array.of(9) }), (error: Error) => {
    assert.ok(!error.message.includes('\n') && !error.message.includes('.cc:'), error.message);
    assert.match(error.message, /^cpu: .*out of data bounds/);
    assert.ok(error.cause instanceof Error);
    return true;
  });
  assert.deepEqual(Array.from((await program.run({ x, i: Int32Array.of(2) })).y), [3]);
});

test('a tensor that cannot fit is refused, not fatal', async () => {
  await using engine = await createEngine({ device: 'cpu' });
  const n = 2_000_000;
  const program = await engine.compile(
    Graph.of({
      y: input('x', [n, 1])
        .matmul(input('w', [1, n]))
        .neg()
        .sum(),
    }),
  );
  await assert.rejects(
    program.run({ x: new Float32Array(n), w: new Float32Array(n) }),
    /^HiperceiverError: cpu: Out of memory: a tensor of \d+ (GB|MB)|^HiperceiverError: cpu: Out of memory/,
  );
});
