/** Sound read off pictures by ridge regression: each picture and its two neighbours give the sound that falls into it. */
import { fitRidge } from './ridge.js';

const NEIGHBOURS = [-1, 0, 1];
const PENALTY = 0.1;

/** Sizes of a clip: pictures `[frames, pixels, 3]`, sound `[steps, bands]`, both over the same time. */
export interface ClipShape {
  frames: number;
  pixels: number;
  steps: number;
  bands: number;
}

/** A clip's pictures and sound, flat. */
export interface Clip {
  video: Float32Array;
  audio: Float32Array;
}

/** Learns from clips; gives the sound of a clip's pictures, `[steps, bands]`. */
export function fitSoundOfFrames(
  clips: readonly Clip[],
  shape: ClipShape,
): (video: Float32Array) => Float32Array<ArrayBuffer> {
  const { frames, steps, bands } = shape;
  const each = Math.ceil(steps / frames);
  const soundOf = (audio: Float32Array, t: number) =>
    Float32Array.from({ length: each * bands }, (_, i) => {
      const step = Math.min(steps - 1, t * each + Math.floor(i / bands));
      return audio[step * bands + (i % bands)];
    });
  const times = Array.from({ length: frames }, (_, t) => t);
  const model = fitRidge(
    clips.flatMap(({ video }) => times.map((t) => greyAround(video, t, shape))),
    clips.flatMap(({ audio }) => times.map((t) => soundOf(audio, t))),
    PENALTY,
  );
  return (video) => {
    const sound = new Float32Array(frames * each * bands);
    for (const t of times) sound.set(model.answer(greyAround(video, t, shape)), t * each * bands);
    return sound.slice(0, steps * bands);
  };
}

/** Grey values of a picture and its neighbours; at the ends the last one stands twice. */
function greyAround(video: Float32Array, t: number, { frames, pixels }: ClipShape): Float32Array {
  const out = new Float32Array(NEIGHBOURS.length * pixels);
  NEIGHBOURS.forEach((step, n) => {
    const from = 3 * pixels * Math.max(0, Math.min(frames - 1, t + step));
    for (let p = 0; p < pixels; p++) {
      const at = from + 3 * p;
      out[n * pixels + p] = (video[at] + video[at + 1] + video[at + 2]) / 3;
    }
  });
  return out;
}
