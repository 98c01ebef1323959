/** Frames by their time: the right choice also where the frame rate varies. */
import type { Frame } from 'node-av/lib';
import { MOST_DECODED_PIXELS } from './limits.js';
import type { MediaFile, Track } from './mediaFile.js';
import type { PictureView } from './pictureView.js';

/** Clips that start later than this, in seconds, are sought for; before, decoding from the start is as fast. */
const SEEK_BEYOND = 1;
/** A seek aims so much earlier, in seconds: indexes are in the order of decoding, which precedes that of presentation. */
const MARGIN = 0.25;

/**
 * For each of the `wanted` times (increasing, seconds) the frame nearest to it; where the track ends earlier its last
 * frame again. Only what is needed is decoded: from the key frame before the first to the frame after the last.
 * @returns pictures `[wanted, H, W, 3]` of `pictureBytes` bytes each, and the times that they were to be seen at
 * @throws Error with a short reason where no frame can be decoded
 */
export function pickFrames(
  file: MediaFile,
  track: Track,
  wanted: Float64Array,
  view: PictureView,
  pictureBytes: number,
  frameRate: number,
): { frames: Uint8Array; times: Float64Array } {
  const frames = new Uint8Array(wanted.length * pictureBytes);
  const times = new Float64Array(wanted.length);
  const step = frameRate > 0 ? 1 / frameRate : 0.04;

  /** False where the frames come too late: a seek that went wrong, or none at all. */
  const fill = (from: number): boolean => {
    let filled = 0;
    let decoded = 0;
    let shown: Uint8Array | undefined;
    let last: { frame: Frame; time: number } | undefined;
    const take = () => {
      if (!last) return;
      shown ??= view.show(last.frame);
      frames.set(shown, filled * pictureBytes);
      times[filled++] = last.time;
    };
    for (const frame of file.frames(track, from)) {
      const time = file.time(frame.bestEffortTimestamp, track) ?? (last ? last.time + step : from);
      if (!last && from > 0 && time > wanted[0]) return false;
      decoded += frame.width * frame.height;
      if (decoded > MOST_DECODED_PIXELS) throw new Error('too many pixels lie between key frames');
      // Of the two frames around a wanted time the nearer one; the earlier where both are as near.
      while (last && filled < wanted.length && wanted[filled] - last.time <= time - wanted[filled]) take();
      if (filled === wanted.length) break;
      last = { frame, time };
      shown = undefined;
      if (time > wanted[wanted.length - 1]) break;
    }
    while (last && filled < wanted.length) take();
    return filled === wanted.length;
  };

  const from = Math.max(0, wanted[0] - MARGIN);
  if (from > SEEK_BEYOND && fill(from)) return { frames, times };
  if (from > SEEK_BEYOND) file.restart();
  if (!fill(0)) throw new Error('no frame can be decoded');
  return { frames, times };
}
