/** Sounds: waveforms above spectrograms, and files to listen to. */
import { writeFileAtomic } from '../../checkpoint/index.js';
import { formatWav, type Sound } from '../../data/audio/index.js';
import { soundPicture } from '../soundPicture.js';
import { inUnits, pasted, type ReconstructedExample, type ShownModality, type SignalPictures } from './signal.js';
import { soundAttention } from './soundAttention.js';
import { stacked } from './stack.js';
import { waveformImages } from './waveform.js';

/** Samples at a rate. */
export const sound: SignalPictures = {
  element: 'sample',
  noun: 'sound',
  count: 3,
  thumbnails: (modality, examples) =>
    waveformImages(examples.map(({ values, length }) => inUnits(modality, values, length))),
  reconstructions: (modality, examples, heading) =>
    stacked(
      examples.map((example) => rows(modality, example)),
      heading,
    ),
  attention: soundAttention,
  async writeFiles(stem, modality, example) {
    const written = Object.entries(versions(modality, example)).map(async ([name, version]) => {
      const path = `${stem}-${name}.wav`;
      await writeFileAtomic(path, formatWav(version));
      return path;
    });
    return Promise.all(written);
  },
};

/** What was heard (silence where it was hidden), what was made of it, and the sound itself. */
function versions(
  modality: ShownModality,
  example: ReconstructedExample,
): Record<'visible' | 'reconstruction' | 'original', Sound> {
  const { rate = 1, channels } = modality;
  const of = (values: Float32Array) => ({ rate, channels, samples: inUnits(modality, values, example.length) });
  const original = of(example.values);
  const heard = original.samples.map((x, i) => (example.mask[Math.floor(i / channels)] > 0 ? 0 : x));
  return { visible: { ...original, samples: heard }, reconstruction: of(pasted(modality, example)), original };
}

function rows(modality: ShownModality, example: ReconstructedExample) {
  const { reconstruction, original } = versions(modality, example);
  const name = example.caption ? `${example.caption}: ` : '';
  return soundPicture([
    { title: `${name}input, what was hidden is shaded`, sound: original, hidden: hiddenRuns(example) },
    { title: `${name}reconstruction`, sound: reconstruction },
    { title: `${name}original`, sound: original },
  ]);
}

/** Stretches of hidden samples, from and to. */
function hiddenRuns({ mask, length }: ReconstructedExample): [number, number][] {
  const found: [number, number][] = [];
  for (let i = 0; i < length; i++) {
    if (mask[i] === 0) continue;
    const start = i;
    while (i < length && mask[i] > 0) i++;
    found.push([start, i]);
  }
  return found;
}
