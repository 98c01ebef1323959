/** From the channels that a file has to those that a model takes. */
import { ensure } from '../../errors/index.js';
import type { Sound } from './sound.js';

/**
 * The sound in another number of channels: many become one by their mean, one is repeated for many.
 * @throws HiperceiverError from several to several others, for which there is no rule
 */
export function mixChannels(sound: Sound, channels: number): Sound {
  const { rate, channels: from, samples } = sound;
  if (channels === from) return sound;
  ensure(
    from === 1 || channels === 1,
    () =>
      `The sound has ${from} channels where ${channels} are asked for: ask for ${from}, or for 1 (their mean), or give sounds with 1 or ${channels}.`,
  );
  const frames = samples.length / from;
  const mixed = new Float32Array(frames * channels);
  if (channels === 1) {
    for (let i = 0, at = 0; i < frames; i++) {
      let sum = 0;
      for (let c = 0; c < from; c++) sum += samples[at++];
      mixed[i] = sum / from;
    }
  } else {
    for (let i = 0; i < frames; i++) mixed.fill(samples[i], i * channels, (i + 1) * channels);
  }
  return { rate, channels, samples: mixed };
}
