/** Video files to the pictures and the sound of one piece of time. */
import { ensure } from '../../errors/index.js';
import type { Sound } from '../audio/sound.js';
import type { Window } from '../resample.js';
import type { Clip } from '../video/clip.js';
import { type MediaHeader, readHeader, readOrientation } from './header.js';
import { LONGEST, MOST_CLIP_BYTES } from './limits.js';
import { MediaFile, type Track } from './mediaFile.js';
import { pickFrames } from './pickFrames.js';
import { PictureView } from './pictureView.js';
import { soundWindow } from './soundTrack.js';

/** Which piece of a video is wanted, and how large. */
export interface ClipRequest {
  /** In seconds from the start of the file. */
  start: number;
  frames: number;
  /** Pictures per second of the result, whatever is stored. */
  frameRate: number;
  /** Height and width of the result. */
  size: readonly [number, number];
  /** The part of the picture that is shown, in pixels of the picture as it is seen. Default: all of it. */
  window?: Window;
  /** Seconds of sound from `start` on; none by default. */
  soundSeconds?: number;
}

/**
 * Decodes the piece of a video that `choose` picks by its header. Frame i is the stored one nearest to start + i /
 * frameRate; after the end the last one is repeated. Only what is needed is decoded, and scaled at once: frames of full
 * size are not kept.
 * @returns the clip, and its sound at the stored rate where it was asked for and there is any at this time; shorter than
 * asked for where the track ends
 * @throws Error with a short reason where the file is damaged beyond use, has no pictures, or claims absurd sizes;
 * HiperceiverError where node-av is missing or the wish makes no sense
 */
export async function decodeClip(
  bytes: Uint8Array,
  choose: (header: MediaHeader) => ClipRequest,
): Promise<{ clip: Clip; sound?: Sound }> {
  const file = await MediaFile.open(bytes);
  let view: PictureView | undefined;
  try {
    if (!file.pictures) throw new Error('has no pictures');
    const header = readHeader(file);
    const request = choose(header);
    checkRequest(request);
    const { start, frames, frameRate, soundSeconds = 0 } = request;
    const [height, width] = request.size;
    // Sound first: its decoders start right only at the very beginning, pictures at any key frame.
    const withSound = file.sound && header.soundRate && soundSeconds > 0;
    const sound = withSound ? soundWindow(file, file.sound as Track, start, soundSeconds) : undefined;
    if (withSound) file.rewind(file.pictures);
    const whole = { top: 0, left: 0, height: header.height, width: header.width };
    view = new PictureView(file, readOrientation(file), request.window ?? whole, request.size);
    const wanted = Float64Array.from({ length: frames }, (_, i) => start + i / frameRate);
    const picked = pickFrames(file, file.pictures, wanted, view, height * width * 3, header.frameRate);
    const clip = { height, width, ...picked };
    return sound ? { clip, sound } : { clip };
  } finally {
    view?.free();
    file.close();
  }
}

function checkRequest({ frames, frameRate, size, start }: ClipRequest): void {
  ensure(
    Number.isInteger(frames) && frames > 0 && frames * size[0] * size[1] * 3 <= MOST_CLIP_BYTES,
    () => `A clip of ${frames} frames of ${size[0]}x${size[1]} was asked for: give 1 or more that fit into 2 GiB.`,
  );
  ensure(frameRate > 0, () => `frameRate is ${frameRate}: give frames per second above 0.`);
  ensure(
    start >= 0 && start <= LONGEST,
    () => `A clip from second ${start} on was asked for: give 0 or more, up to ${LONGEST}.`,
  );
}
