import { HiperceiverError } from '../../errors/index.js';
import { type Modality, modelNames, systemByName } from '../../models/index.js';
import { describeVariant, inspectModel, labelNames } from '../../tasks/index.js';
import { defineCommand } from '../command.js';
import { describeModalities, parseModalities } from '../inputs.js';
import { formatCount } from '../quantities.js';
import { formatTable } from '../table.js';

/** A class label as HiPClassBottleneck takes it: without one that system is no other than HiP. */
const LABEL: Modality = { name: 'label', indexShape: [1], channels: 1000 };

/** `hip models`: every system and variant, with its size on one input. */
export const command = defineCommand({
  name: 'models',
  summary: 'List the models with their variants, sizes and papers',
  usage: '[options]',
  description: 'Parameters and operations depend on what is put in; they are given for one example of --input.',
  options: {
    input: {
      type: 'strings',
      default: ['image=224x224x3'],
      placeholder: 'NAME=SHAPE',
      help: 'modalities, comma-separated: sizes of the grid, then channels',
    },
  },
  examples: [
    'hip models',
    'hip models --input image=32x32x3',
    'hip models --input video=8x224x224x3,audio=122880x1 --json',
  ],
  run: async ({ options, output }) => {
    const modalities = parseModalities(options.input);
    const labelled = labelNames(modalities).length > 0 ? modalities : [...modalities, LABEL];
    const rows = modelNames().map(({ system, variant }) => {
      const taken = system === 'hip_class_bottleneck' ? labelled : modalities;
      const { summary, paper } = systemByName(system);
      return { model: `${system}/${variant}`, ...sizeOn(system, variant, taken), summary, paper };
    });
    output.result(rows, () =>
      [
        formatTable(
          rows.map((r) => [
            r.model,
            r.parameters ?? '–',
            r.flops === null ? '–' : formatCount(r.flops, 'FLOP'),
            r.paper,
            r.summary,
          ]),
          ['model', 'parameters', 'forward', 'paper', 'what it is'],
        ),
        '',
        ...(rows.some((r) => r.parameters === null) ? ['– does not take this input.'] : []),
        `Sizes for ${describeModalities(modalities)}, one example${labelled === modalities ? '' : `; of hip_class_bottleneck with ${describeModalities([LABEL])} besides`}.`,
      ].join('\n'),
    );
  },
});

/** Parameters and operations; null for a model that does not take such inputs. */
function sizeOn(
  system: string,
  variant: string,
  modalities: Modality[],
): { parameters: number | null; flops: number | null } {
  try {
    const { parameters, datasets } = inspectModel(describeVariant(system, variant, modalities), [modalities]);
    return { parameters, flops: datasets[0].flops };
  } catch (error) {
    if (error instanceof HiperceiverError) return { parameters: null, flops: null };
    throw error;
  }
}
