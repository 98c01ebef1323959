/** A decoded piece of sound. */
export interface Sound {
  /** Frames per second. */
  rate: number;
  channels: number;
  /** `[frames, channels]`, interleaved, nominally -1 … 1. */
  samples: Float32Array;
}
