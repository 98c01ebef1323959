/** Videos as small as training reads them: fewer and smaller frames, and no decoder to wait for. */
import { mixChannels, resampleSound, type Sound } from '../audio/index.js';
import { decodeClip } from '../media/clip.js';
import type { MediaHeader } from '../media/header.js';
import { MOST_CLIP_BYTES } from '../media/limits.js';
import { formatStoredClip, isStoredClip, readStoredClip } from './storedClip.js';

/** What is kept of a video. */
export interface CompactOptions {
  /** Height and width of the frames, from those of the video. */
  size(height: number, width: number): readonly [number, number];
  /** Frames per second. Default: as stored. */
  frameRate?: number;
  /** Samples of the sound per second. Default: as stored. */
  sampleRate?: number;
}

/** For a file that tells no frame rate. */
const USUAL_RATE = 25;

/**
 * The whole video as a stored clip (npz). Frame i is the stored one nearest to i / frameRate, so a reader that wants this
 * size and rate gets the pixels that it would get of the video itself.
 * @returns undefined where the frames would exceed 2 GiB
 * @throws Error with a short reason where the video is damaged beyond use
 */
export async function compactVideo(
  bytes: Uint8Array,
  { size, frameRate, sampleRate }: CompactOptions,
): Promise<Uint8Array | undefined> {
  let tooLarge = false;
  let rate = frameRate ?? USUAL_RATE;
  const choose = (header: MediaHeader) => {
    rate = frameRate ?? (header.frameRate || USUAL_RATE);
    const [height, width] = size(header.height, header.width);
    // A frame that would start within the last hundredth of its own length is rounding of the header.
    const frames = Math.max(1, Math.ceil(header.duration * rate - 0.01));
    tooLarge = frames * height * width * 3 > MOST_CLIP_BYTES;
    const asked = { frames: tooLarge ? 1 : frames, soundSeconds: header.duration };
    return { ...asked, start: 0, frameRate: rate, size: [height, width] as const };
  };
  const { clip, sound } = isStoredClip(bytes) ? readStoredClip(bytes, choose) : await decodeClip(bytes, choose);
  return tooLarge ? undefined : formatStoredClip(clip, rate, sound && soundAt(sound, sampleRate));
}

/** At the wanted rate; more than two channels become their mean. */
function soundAt(sound: Sound, rate = sound.rate): Sound {
  return resampleSound(sound.channels > 2 ? mixChannels(sound, 1) : sound, rate);
}
