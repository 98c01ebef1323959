/** Videos as arrays (npz): frames and samples that need no decoder. */
import { ensure } from '../../errors/index.js';
import type { Sound } from '../audio/sound.js';
import type { ClipRequest } from '../media/clip.js';
import type { MediaHeader } from '../media/header.js';
import { MOST_RATE } from '../media/limits.js';
import type { NpyArray, NpyData } from '../npy.js';
import { formatNpz, readNpz } from '../npz.js';
import { resample } from '../resample.js';
import type { Clip } from './clip.js';

const SCALE = 32768;

/**
 * The bytes of a clip as npz, not deflated: `frames` `[T, H, W, 3]` of bytes and their `rate` per second; with sound
 * `samples` `[N, channels]` of 16 bits and their `sampleRate`. The same clip gives the same bytes.
 */
export function formatStoredClip(
  { height, width, frames }: Pick<Clip, 'height' | 'width' | 'frames'>,
  frameRate: number,
  sound?: Sound,
): Uint8Array {
  const arrays = new Map<string, { shape: readonly number[]; data: NpyData }>([
    ['frames', { shape: [frames.length / (height * width * 3), height, width, 3], data: Uint8Array.from(frames) }],
    ['rate', { shape: [1], data: Float64Array.of(frameRate) }],
  ]);
  if (sound) {
    const { samples, channels, rate } = sound;
    const integer = (x: number) => Math.max(-SCALE, Math.min(SCALE - 1, Math.round(x * SCALE)));
    arrays.set('samples', { shape: [samples.length / channels, channels], data: Int16Array.from(samples, integer) });
    arrays.set('sampleRate', { shape: [1], data: Int32Array.of(rate) });
  }
  return formatNpz(arrays, { compress: false });
}

/** Whether the bytes are a zip archive, as npz files are. */
export function isStoredClip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;
}

/**
 * Reads the piece of a stored clip that `choose` picks by its header, as `decodeClip` does of an encoded video.
 * @throws Error with a short reason where the arrays are no clip
 */
export function readStoredClip(
  bytes: Uint8Array,
  choose: (header: MediaHeader) => ClipRequest,
): { clip: Clip; sound?: Sound } {
  const { data, shape, rate, sound: stored } = partsOf(bytes);
  const [count, height, width] = shape;
  const request = choose(headerOf({ shape, rate, sound: stored }));
  const { start, frames, frameRate, size, window, soundSeconds = 0 } = request;
  const whole = { top: 0, left: 0, height, width };
  const pixels = size[0] * size[1] * 3;
  const clip: Clip = {
    ...{ height: size[0], width: size[1] },
    frames: new Uint8Array(frames * pixels),
    times: new Float64Array(frames),
  };
  for (let i = 0; i < frames; i++) {
    // The nearest, the earlier of two as near; at the end the last one again.
    const wanted = Math.ceil((start + i / frameRate) * rate - 0.5);
    const t = Math.max(0, Math.min(count - 1, wanted));
    const frame = data.subarray(t * height * width * 3, (t + 1) * height * width * 3);
    const shown = resample({ height, width, channels: 3, data: frame }, window ?? whole, size[0], size[1]);
    clip.frames.set(shown.data, i * pixels);
    clip.times[i] = t / rate;
  }
  const sound = stored && soundSeconds > 0 ? cutSound(stored, start, soundSeconds) : undefined;
  return sound ? { clip, sound } : { clip };
}

/** What a stored clip says about itself, as `mediaHeader` does of an encoded video. */
export function storedClipHeader(bytes: Uint8Array): MediaHeader {
  return headerOf(partsOf(bytes));
}

interface StoredSound {
  samples: Int16Array;
  channels: number;
  rate: number;
}

function headerOf({ shape, rate, sound }: { shape: number[]; rate: number; sound?: StoredSound }): MediaHeader {
  const [count, height, width] = shape;
  const pictures = { duration: count / rate, frameRate: rate, height, width };
  return sound ? { ...pictures, soundRate: sound.rate, soundChannels: sound.channels } : pictures;
}

function partsOf(bytes: Uint8Array): { data: Uint8Array; shape: number[]; rate: number; sound?: StoredSound } {
  const arrays = readNpz(bytes, 'clip');
  const { data, shape } = arrays.get('frames') ?? { data: undefined, shape: [] };
  const rate = Number(arrays.get('rate')?.data[0]);
  ensure(
    data instanceof Uint8Array && shape.length === 4 && shape[3] === 3 && data.length > 0,
    () => 'it has no array "frames" of bytes [T, H, W, 3]',
  );
  ensure(Number.isFinite(rate) && rate > 0, () => 'its "rate" is no number of frames per second');
  return { data, shape, rate, sound: soundOf(arrays) };
}

/** The stored sound, its samples still integers. */
function soundOf(arrays: Map<string, NpyArray>): StoredSound | undefined {
  const { data, shape } = arrays.get('samples') ?? { data: undefined, shape: [] };
  if (data === undefined) return undefined;
  const rate = Number(arrays.get('sampleRate')?.data[0]);
  ensure(data instanceof Int16Array && shape.length === 2, () => 'its "samples" are no 16-bit integers [N, channels]');
  ensure(Number.isInteger(rate) && rate > 0 && rate <= MOST_RATE, () => 'its "sampleRate" is no rate of samples');
  return { samples: data, channels: shape[1], rate };
}

function cutSound({ samples, channels, rate }: StoredSound, start: number, seconds: number): Sound | undefined {
  const from = Math.round(start * rate) * channels;
  const cut = samples.subarray(from, from + Math.ceil(seconds * rate) * channels);
  return cut.length > 0 ? { rate, channels, samples: Float32Array.from(cut, (x) => x / SCALE) } : undefined;
}
