/** What is refused from a header alone, before memory is touched. */

/** Pixels of one picture, as for image files. */
export const MOST_PIXELS = 2 ** 27;
/** Pixels decoded on the way to one clip: some 8,000 pictures of 1920 x 1080. */
export const MOST_DECODED_PIXELS = 2 ** 34;
/** Bytes of one clip's pictures. */
export const MOST_CLIP_BYTES = 2 ** 31;
/** Samples of one sound over all its channels (1 GiB): 50 minutes of stereo at 44.1 kHz. */
export const MOST_SAMPLES = 2 ** 28;
/** Samples per second. */
export const MOST_RATE = 2 ** 20;
/** Channels of a sound that FFmpeg keeps in one frame. */
export const MOST_CHANNELS = 8;
/** Seconds. A header that says more is not believed, and the length is counted instead. */
export const LONGEST = 7 * 24 * 3600;

/** Throws where pictures of this size are refused. */
export function checkPixels(width: number, height: number): void {
  if (width * height > MOST_PIXELS) throw new Error(`pictures of ${width}x${height} pixels are too large`);
}
