/** Decoded pictures of a video. */
export interface Clip {
  height: number;
  width: number;
  /** `[frames, height, width, 3]`, sRGB bytes. */
  frames: Uint8Array;
  /** Presentation time of each frame in seconds from the start of the file. */
  times: Float64Array;
}
