/** Encoded video to model inputs: some frames of one window in space and time, and the sound of the same time. */
import { ensure } from '../../errors/index.js';
import { fold, type Key, uniform } from '../../random/index.js';
import { checkSoundOptions, type SoundOptions, transformSound } from '../audio/transform.js';
import { type ClipRequest, decodeClip } from '../media/clip.js';
import type { MediaHeader } from '../media/header.js';
import { checkTransform, type TransformOptions, writeFrames } from '../transform.js';
import { drawView, type View, type ViewOptions } from '../view.js';
import type { Clip } from './clip.js';
import { isStoredClip, readStoredClip } from './storedClip.js';

/** The sound beside a clip. */
export interface ClipSoundOptions extends Pick<SoundOptions, 'rate' | 'channels' | 'gain' | 'mean' | 'std'> {
  /** Samples of each channel, from the start of the clip on. Default: as long as the clip. */
  samples?: number;
}

/** How a video becomes numbers. All frames of a clip share one view. */
export interface ClipOptions extends ViewOptions, Pick<TransformOptions, 'augment'> {
  /** Frames of the result, T. */
  frames: number;
  /** Frames per second of the result, whatever the file has. */
  frameRate: number;
  /** Which part of a longer video is taken. */
  start: 'random' | 'center' | 'start';
  /** Subtracted, in units of 0 … 1; one number per channel or one for all. */
  mean: readonly number[];
  /** Divided by, in units of 0 … 1; one number per channel or one for all. */
  std: readonly number[];
  /** Read the sound too. */
  sound?: ClipSoundOptions;
}

/** A video as model input. */
export interface ClipInput {
  /** `[T * H * W, 3]`, normalised. */
  video: Float32Array;
  /** `[samples, channels]`, normalised; undefined where none was asked for or the file has none at this time. */
  audio?: Float32Array;
  /** Samples up to the end of the video's sound, at least 1; all after them are padding. With `audio` only. */
  audioLength?: number;
}

/** Most numbers in one clip, 1 GiB. */
const MOST_VALUES = 2 ** 28;

/** Checks options. @throws HiperceiverError naming the one that makes no sense */
export function checkClipOptions(options: ClipOptions): void {
  const { frames, frameRate, start, imageSize, sound } = options;
  checkTransform(pictureOptions(options));
  ensure(
    Number.isInteger(frames) && frames > 0 && frames * imageSize[0] * imageSize[1] * 3 <= MOST_VALUES,
    () => `frames is ${frames}: give a whole number above 0, with at most 2^28 numbers in a clip.`,
  );
  ensure(
    Number.isFinite(frameRate) && frameRate > 0,
    () => `frameRate is ${frameRate}: give frames per second above 0, such as 8.`,
  );
  ensure(
    start === 'random' || start === 'center' || start === 'start',
    () => `start is "${start}": give "random", "center" or "start".`,
  );
  if (sound) checkSoundOptions(soundOptions(options, sound));
}

/** The moment at which a clip of a video of `duration` seconds starts: a pure function of the key. */
export function drawStart(
  key: Key,
  duration: number,
  options: Pick<ClipOptions, 'frames' | 'frameRate' | 'start'>,
): number {
  const spare = Math.max(0, duration - options.frames / options.frameRate);
  if (options.start === 'random') return spare * uniform(fold(key, 'start'), 1)[0];
  return options.start === 'center' ? spare / 2 : 0;
}

/**
 * One video file as model input: its time and its view drawn by `key`, a pure function. A video shorter than the clip
 * repeats its last frame, and its sound is followed by silence.
 * @throws Error with a short reason where the file is damaged or has no pictures; HiperceiverError where the optional
 * decoder is not installed or there is no rule for the sound's channels
 */
export async function readClip(bytes: Uint8Array, options: ClipOptions, key: Key): Promise<ClipInput> {
  const { frames, frameRate, imageSize, sound: wished } = options;
  const asked = wished && soundOptions(options, wished);
  let view: View | undefined;
  const choose = ({ height, width, duration }: MediaHeader): ClipRequest => {
    view = drawView(fold(key, 'view'), height, width, options);
    const start = drawStart(key, duration, options);
    const soundSeconds = asked && asked.samples / asked.rate;
    return { start, frames, frameRate, size: imageSize, window: view, soundSeconds };
  };
  const { clip, sound } = isStoredClip(bytes) ? readStoredClip(bytes, choose) : await decodeClip(bytes, choose);
  const video = transformClip(clip, view as View, options, fold(key, 'frames'));
  if (!asked || !sound) return { video };
  const { values, length } = transformSound(sound, asked, fold(key, 'sound'));
  return { video, audio: values, audioLength: length };
}

/** A clip that shows the view's window already, mirrored, moved, augmented and normalised. @returns `[T * H * W, 3]` */
function transformClip({ frames, height, width }: Clip, view: View, options: ClipOptions, key: Key): Float32Array {
  const values = height * width * 3;
  const out = new Float32Array(frames.length);
  const images = Array.from({ length: frames.length / values }, (_, t) => {
    return { height, width, channels: 3, data: frames.subarray(t * values, (t + 1) * values) };
  });
  writeFrames(images, view, pictureOptions(options), key, out);
  return out;
}

function pictureOptions(options: ClipOptions): TransformOptions {
  return { ...options, channels: 3 };
}

function soundOptions({ frames, frameRate }: ClipOptions, sound: ClipSoundOptions): SoundOptions {
  return { ...sound, samples: sound.samples ?? Math.round((frames / frameRate) * sound.rate), crop: 'start' };
}
