/** Resizing of decoded images: separable cubic interpolation that widens when it shrinks, so that nothing aliases. */
import type { RawImage } from './source.js';

/** A window of an image, in pixels. */
export interface Window {
  top: number;
  left: number;
  height: number;
  width: number;
}

/**
 * The window of `image`, resized to `height` x `width`. Cubic with a = -1/2 (Catmull-Rom), the support scaled by the
 * shrinking factor. Bytes are rounded and clipped to 0 … 255. An unchanged whole image is returned as it is.
 */
export function resample(image: RawImage, window: Window, height: number, width: number): RawImage {
  const { channels } = image;
  const whole = window.top === 0 && window.left === 0 && window.height === image.height && window.width === image.width;
  if (whole && height === image.height && width === image.width) return image;
  const columns = kernel(window.width, width);
  const rows = kernel(window.height, height);

  // First across: [window.height, width, channels], then down.
  const across = new Float32Array(window.height * width * channels);
  for (let y = 0, to = 0; y < window.height; y++) {
    const line = ((window.top + y) * image.width + window.left) * channels;
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let tap = 0, at = x * columns.taps; tap < columns.taps; tap++, at++) {
          sum += columns.weights[at] * image.data[line + columns.positions[at] * channels + c];
        }
        across[to++] = sum;
      }
    }
  }
  const stride = width * channels;
  const bytes = image.data instanceof Uint8Array;
  // The clamped array rounds and clips on assignment.
  const data = bytes ? new Uint8ClampedArray(height * stride) : new Float32Array(height * stride);
  for (let y = 0, to = 0; y < height; y++) {
    for (let i = 0; i < stride; i++) {
      let sum = 0;
      for (let tap = 0, at = y * rows.taps; tap < rows.taps; tap++, at++)
        sum += rows.weights[at] * across[rows.positions[at] * stride + i];
      data[to++] = sum;
    }
  }
  return { height, width, channels, data: bytes ? new Uint8Array(data.buffer) : (data as Float32Array) };
}

/** For each of `to` outputs, `taps` source positions (clamped to the edge) and weights that sum to 1. */
function kernel(from: number, to: number): { taps: number; positions: Int32Array; weights: Float32Array } {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const taps = Math.ceil(2 * stretch) * 2 + 1;
  const positions = new Int32Array(to * taps);
  const weights = new Float32Array(to * taps);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale - 0.5;
    const first = Math.round(centre) - (taps >> 1);
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const weight = cubic((first + tap - centre) / stretch);
      positions[i * taps + tap] = Math.min(from - 1, Math.max(0, first + tap));
      weights[i * taps + tap] = weight;
      sum += weight;
    }
    for (let tap = 0; tap < taps; tap++) weights[i * taps + tap] /= sum;
  }
  return { taps, positions, weights };
}

function cubic(x: number): number {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}
