/** The signals that an exported model takes: each with its own axes, normalised inside where that is wanted. */
import { constant, input, type Tensor } from '../graph/index.js';
import { indexDim, type Modality } from '../models/index.js';
import { type ModelDescription, normalizationOf } from '../training/index.js';

/** The inputs of an exported graph, as callers feed them and as the model takes them. */
export interface ExportInputs {
  /** By modality `[B, I, C]`, normalised. */
  signals: Record<string, Tensor>;
  /** Brings values `[…, C]` of a modality back to the units of its input. */
  restore(name: string, values: Tensor): Tensor;
  /** What a caller has to know of them, as text by key. */
  metadata: Record<string, string>;
}

/** What the axes of a signal are called, by their number; further ones go by number. */
const AXES: Record<string, string[]> = {
  image: ['height', 'width'],
  bands: ['height', 'width'],
  audio: ['elements'],
  video: ['frames', 'height', 'width'],
  points: ['points'],
};

/** Shape of a batch of a modality as callers see it, `[B, …index shape, C]`. */
export function exportShape({ indexShape, channels }: Modality, batchSize: number): number[] {
  return [batchSize, ...indexShape, channels];
}

/**
 * One graph input for each modality, `[B, …index shape, C]`.
 * @param embedNormalization whether the graph subtracts mean and divides by deviation itself
 */
export function exportInputs(
  description: ModelDescription,
  batchSize: number,
  embedNormalization: boolean,
): ExportInputs {
  const { modalities, partial = [] } = description;
  const statistics = new Map(modalities.map(({ name }) => [name, normalizationOf(description, name)]));
  const perChannel = ({ channels }: Modality, values: readonly number[]) =>
    constant(
      Array.from({ length: channels }, (_, c) => values[c % values.length]),
      [channels],
    );
  const signals = modalities.map((modality): [string, Tensor] => {
    const { name } = modality;
    const { mean, std } = statistics.get(name)!;
    const values = input(name, exportShape(modality, batchSize));
    const normalized = embedNormalization
      ? values.sub(perChannel(modality, mean)).div(perChannel(modality, std))
      : values;
    return [name, normalized.reshape([batchSize, indexDim(modality), modality.channels])];
  });
  // A model of one signal needs no names.
  const key = (what: string, name: string) => (modalities.length === 1 ? what : `${what}.${name}`);
  return {
    signals: Object.fromEntries(signals),
    restore: (name, values) => {
      const modality = modalities.find((own) => own.name === name)!;
      const { mean, std } = statistics.get(name)!;
      return embedNormalization ? values.mul(perChannel(modality, std)).add(perChannel(modality, mean)) : values;
    },
    metadata: Object.fromEntries(
      modalities.flatMap((modality) => {
        const { name } = modality;
        const { mean, std } = statistics.get(name)!;
        const axes = ['batch', ...axesOf(modality), 'channels'].join(', ');
        const shape = `float32 [${axes}] = [${exportShape(modality, batchSize)}]`;
        const values = name === 'image' || name === 'video' ? 'pixels of 0 to 1' : 'values as they are read';
        return [
          [
            key('input', name),
            `${name}: ${shape}, ${values}${embedNormalization ? '' : ', minus mean, divided by std'}`,
          ],
          [key('mean', name), JSON.stringify(mean)],
          [key('std', name), JSON.stringify(std)],
          ...(partial.includes(name)
            ? [[key('valid', name), `valid/${name}: float32 [batch, elements], 1 = real, 0 = padding or missing`]]
            : []),
        ];
      }),
    ),
  };
}

function axesOf({ name, indexShape }: Modality): string[] {
  const names = AXES[name] ?? [];
  return indexShape.map((_, i) => names[i] ?? `axis ${i + 1}`);
}
