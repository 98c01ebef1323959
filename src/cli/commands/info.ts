import { existsSync } from 'node:fs';
import { loadCheckpoint } from '../../checkpoint/index.js';
import { type Modality, parseModelName, settingsOf, systemByName } from '../../models/index.js';
import { canPretrain } from '../../objectives/index.js';
import { describeVariant, type InspectedModel, inspectModel, type ModelReport } from '../../tasks/index.js';
import {
  fromConfig,
  planTraining,
  pretrainingObjective,
  type Recipe,
  resolveRecipe,
  runFolder,
} from '../../training/index.js';
import { defineCommand } from '../command.js';
import { describeModalities, parseModalities } from '../inputs.js';
import { formatBytes, formatCount, formatShape, formatShare, plural } from '../quantities.js';
import { formatTable } from '../table.js';
import { UsageError } from '../usageError.js';

/** `hip info`: a model's size and stages, without making it. */
export const command = defineCommand({
  name: 'info',
  summary: 'Show a model’s parameters, operations, memory and stages on given inputs',
  usage: 'MODEL|CHECKPOINT [--input NAME=SHAPE,…] [options]',
  description:
    'Nothing is allocated, so models of any size are shown at once. With several --dataset the same model takes inputs ' +
    'of several kinds, as when it is trained on several data sets; parameters that they share count once.',
  options: {
    input: {
      type: 'strings',
      placeholder: 'NAME=SHAPE',
      help: 'modalities, comma-separated: sizes of the grid, then channels (default: image=224x224x3, or the checkpoint’s)',
    },
    dataset: {
      type: 'repeated',
      placeholder: 'NAME=SHAPE,…',
      help: 'modalities of one data set; may be given several times',
    },
  },
  positionals: [{ name: 'MODEL', help: 'a name as listed by the command models, or a checkpoint or run folder' }],
  recipe: true,
  examples: [
    'hip info hip/16 --input image=224x224x3',
    'hip info Mini --dataset imagenet_image=1024x3,imagenet_label=32x1 --dataset audioset_audio=128x16,audioset_label=16x16',
    'hip info hip/tiny --input image=32x32x3 --batch-size 64 --mask-ratio 0.5',
    'hip info 256 --input video=8x224x224x3,audio=122880x1 --model.config.numEmbeddingChannels 32',
  ],
  run: async ({ positionals, options, overrides, output }) => {
    if (options.input.length > 0 && options.dataset.length > 0)
      throw new UsageError('Give either --input or --dataset.');
    const given = options.dataset.map((typed) => parseModalities(typed.split(',')));
    if (options.input.length > 0) given.push(parseModalities(options.input));
    const { model, datasets, recipe } = await chosenModel(positionals[0], given, overrides);
    const report = inspectModel(model, datasets);
    const training = datasets.length > 1 ? undefined : trainingStep(model, datasets[0], recipe);
    const { system, variant, config } = model;
    output.result({ model: `${system}/${variant}`, config, ...report, training }, () =>
      [
        `${system}/${variant}`,
        '',
        formatTable([
          ['parameters', report.parameters.toLocaleString('en-US')],
          ...report.datasets.map(({ modalities, flops }) => [
            'forward',
            `${formatCount(flops, 'FLOP')} for one example of ${describeModalities(modalities)}`,
          ]),
          ...(training ? [['training step', describeStep(training)]] : []),
        ]),
        ...report.datasets.flatMap((dataset) => ['', ...stagesTable(dataset, datasets.length > 1)]),
      ].join('\n'),
    );
  },
});

interface Chosen {
  model: InspectedModel;
  datasets: Modality[][];
  recipe: Recipe;
}

/** A model of the registry, or that of a checkpoint; the recipe's values complete both. */
async function chosenModel(name: string, given: Modality[][], overrides: Record<string, string>): Promise<Chosen> {
  if (isPath(name)) {
    const { config } = await loadCheckpoint(name, { parts: [] });
    const description = fromConfig(config, name);
    const recipe = resolveRecipe((config.recipe as Partial<Recipe> | undefined) ?? {}, overrides);
    return { model: description, datasets: given.length > 0 ? given : [description.modalities], recipe };
  }
  const named = parseModelName(name);
  const base = { model: { name: named.system as Recipe['model']['name'], variant: named.variant } };
  const recipe = resolveRecipe(base, overrides);
  const datasets = given.length > 0 ? given : [parseModalities(['image=224x224x3'])];
  const { name: system, variant, positions, positionInitScale, config } = recipe.model;
  const own = settingsOf(systemByName(system), { positions, positionInitScale });
  const model = describeVariant(system, variant, datasets.flat(), { ...own, ...config });
  return { model, datasets, recipe };
}

/** A model's name comes before a file or folder that happens to be called so; `./name` is always a path. */
function isPath(name: string): boolean {
  if (!existsSync(name)) return false;
  if (/^[./]/.test(name)) return true;
  try {
    parseModelName(name);
    return false;
  } catch {
    return true;
  }
}

interface TrainingStep {
  batchSize: number;
  flops: number;
  /** Bytes. */
  memory: number;
}

/** Pre-training with the recipe's batch and masking; undefined for what learns from labels, or from a tokenizer's tokens. */
function trainingStep(model: InspectedModel, modalities: Modality[], recipe: Recipe): TrainingStep | undefined {
  const { system, config, classes } = model;
  if (!canPretrain(system) || classes || (config.vocabulary !== undefined && system === 'beit' && !config.tokenizer))
    return undefined;
  const description = { ...model, modalities };
  const about = { description, folder: runFolder(recipe), images: 0 };
  const plan = planTraining(recipe, about, (...how) => pretrainingObjective(description, recipe.masking, ...how));
  return { batchSize: recipe.training.batchSize, flops: plan.flopsPerStep, memory: plan.memory };
}

function describeStep({ batchSize, flops, memory }: TrainingStep): string {
  return `${formatCount(flops, 'FLOP')} for a batch of ${plural(batchSize, 'example')}, in about ${formatBytes(memory)} of memory`;
}

function stagesTable({ modalities, flops, stages }: ModelReport['datasets'][number], titled: boolean): string[] {
  const rows = stages.map(({ name, shape, parameters, flops: own }) => {
    const [, groups, latents, channels] = shape.length === 4 ? shape : [];
    return [name, groups, latents, channels, formatShape(shape), parameters, formatShare(own / flops)];
  });
  const header = ['stage', 'groups', 'latents', 'channels', 'output', 'parameters', 'operations'];
  return [...(titled ? [describeModalities(modalities)] : []), formatTable(rows, header)];
}
