import { openFiles, spreadSample } from '../../data/index.js';
import { unknownName } from '../../errors/index.js';
import { loadModel, openDataOf } from '../../tasks/index.js';
import { prepareSignals, readerOf } from '../../training/index.js';
import {
  attentionPictures,
  augmentationPictures,
  curvesPicture,
  type Figure,
  writePng,
  writePositions,
} from '../../visualize/index.js';
import { dataRecipe, randomOptions } from '../augmentations.js';
import { type CommandContext, defineCommand } from '../command.js';
import { countOption, dataOption, deviceOption, splitOption, startEngine } from '../modelOptions.js';
import { plural } from '../quantities.js';
import { fromFiles, showReconstructions } from '../showReconstructions.js';
import { UsageError } from '../usageError.js';

const options = {
  out: { type: 'string', placeholder: 'PNG', help: 'the picture (default: KIND.png)' },
  data: dataOption,
  split: splitOption,
  block: { type: 'number', help: 'attention: block whose latents are asked (default: the last of the encoder)' },
  count: { type: 'number', help: 'attention: latents beside their mean (10); else: examples' },
  metric: { type: 'string', default: 'loss', help: 'curves: what to draw of the log' },
  device: deviceOption,
} as const;

/** What draws one kind of picture: the command's context, and where the picture goes. */
type Context = CommandContext<typeof options> & { out: string };

/** `hip visualize`: pictures of what a model learned, and of what it learns from. */
export const command = defineCommand({
  name: 'visualize',
  summary: 'Draw learned positions, reconstructions, attention, augmentation, or the curves of a run',
  usage: 'positions|reconstructions|attention|augmentations|curves PATH… [FILE…] [options]',
  description:
    'positions: the position embeddings of each modality as colours and similarities, with their locality score beside ' +
    'chance. reconstructions: as hip reconstruct draws them. attention: what the latents take from each input of FILE ' +
    '(default: one of the test examples). augmentations: examples of a data set or recipe as they are and as training sees ' +
    'them, mixed with the row opposite where it mixes; it takes the options of a recipe, such as --data.crop. curves: a metric of one or several runs over their steps.',
  options,
  recipe: true,
  positionals: [
    { name: 'KIND', help: 'positions, reconstructions, attention, augmentations or curves' },
    {
      name: 'PATH',
      help: 'checkpoint or run folder; for curves one or several run folders; for augmentations data or a recipe',
    },
    { name: 'FILE', help: 'for attention and reconstructions: files to look at', optional: true, many: true },
  ],
  examples: [
    'hip visualize positions runs/first',
    'hip visualize reconstructions runs/first --count 4',
    'hip visualize attention runs/first cat.jpg --out cat-attention.png',
    'hip visualize attention runs/first --block 0',
    'hip visualize augmentations photos --data.crop randomResized --image-size 64',
    'hip visualize augmentations photos --augment.randAugment 9 --augment.mixup 0.8 --augment.cutmix 1',
    'hip visualize curves runs/finetune runs/scratch --metric accuracy --out accuracy.png',
  ],
  run: async (context) => {
    const [kind] = context.positionals;
    if (!Object.hasOwn(kinds, kind)) throw new UsageError(unknownName('picture', kind, Object.keys(kinds)).message);
    const { draw, takes } = kinds[kind];
    const stray = Object.keys(context.overrides).find((key) => !takes?.test(key));
    if (stray) throw new UsageError(`${stray} is a recipe's value, which ${kind} does not take: leave it out.`);
    await draw({ ...context, out: context.options.out ?? `${kind}.png` });
  },
});

interface Kind {
  draw(context: Context): Promise<void>;
  /** Keys of a recipe's values that may be typed; none where absent. */
  takes?: RegExp;
}

const kinds: Record<string, Kind> = {
  positions: {
    async draw({ positionals: [, path, ...more], out, output }) {
      refuseMore(more);
      const { localities, pictures } = await writePositions(out, await loadModel(path));
      const [{ score, chance }] = Object.values(localities);
      output.result({ picture: pictures[0], pictures, locality: score, chance, localities }, () =>
        [
          ...Object.entries(localities).map(([name, own]) => {
            const of = pictures.length > 1 ? ` of ${name}` : '';
            return `locality      ${own.score.toFixed(3)}${of} (chance ${own.chance.toFixed(3)})`;
          }),
          `picture       ${pictures.join(', ')}`,
        ].join('\n'),
      );
    },
  },

  reconstructions: {
    takes: /^masking\.|^training\.seed$/,
    draw: ({ positionals: [, path, ...files], options, overrides, out, output }) =>
      showReconstructions(
        {
          ...{ path, files, out, data: options.data, split: options.split, device: options.device },
          count: countOption('--count', options.count),
          overrides: maskingAlone(overrides),
          seed: Number(overrides['training.seed'] ?? 0),
        },
        output,
      ),
  },

  attention: {
    async draw({ positionals: [, path, file, ...more], options, out, output }) {
      refuseMore(more);
      const loaded = await loadModel(path);
      const model = file ? fromFiles(loaded) : loaded;
      const examples = file
        ? openFiles([file], readerOf(model.description).kind)
        : spreadSample(await openDataOf(model, { path: options.data, split: options.split }), 1);
      await using engine = await startEngine(options.device);
      const count = countOption('--count', options.count);
      const { figures, attention } = await attentionPictures(model, examples, engine, { block: options.block, count });
      const pictures = await writeEach(out, figures);
      const { block, groups, latents, elsewhere } = attention;
      const padding = elsewhere.reduce((a, b) => a + b, 0) / elsewhere.length;
      output.result({ picture: pictures[0], pictures, block, groups, latents, elsewhere: padding }, () =>
        [
          `block         ${block}: ${plural(groups, 'group')} of ${plural(latents, 'latent')}`,
          ...(padding > 1e-6
            ? [
                `elsewhere     ${(100 * padding).toFixed(1)} % of the attention falls on padding, labels or the class token`,
              ]
            : []),
          `picture       ${pictures.join(', ')}`,
        ].join('\n'),
      );
    },
  },

  augmentations: {
    takes: /./,
    async draw({ positionals: [, source, ...more], options, overrides, out, output }) {
      refuseMore(more);
      const recipe = await dataRecipe(source, overrides);
      const { dataset, reader } = await prepareSignals(recipe);
      const count = countOption('--count', options.count);
      const made = await augmentationPictures(dataset, reader, {
        count,
        seed: recipe.training.seed,
        mix: { mixup: recipe.augment.mixup, cutmix: recipe.augment.cutmix },
      });
      const figures = Object.fromEntries(Object.entries(made).map(([name, { figure }]) => [name, figure]));
      const pictures = await writeEach(out, figures);
      const varies = Object.values(made).some((own) => own.varies);
      output.result({ picture: pictures[0], pictures, varies, reader }, () =>
        [
          ...(varies ? [] : [`Nothing is random: try ${randomOptions[dataset.kind]}.`]),
          `picture       ${pictures.join(', ')}`,
        ].join('\n'),
      );
    },
  },

  curves: {
    async draw({ positionals: [, ...runs], options, out, output }) {
      const named = Object.fromEntries(
        runs.map((run) => [run.replace(/\/+$/, '').split('/').slice(-2).join('/'), run]),
      );
      await writePng(
        out,
        await curvesPicture(named, options.metric, { title: options.metric, logY: options.metric.startsWith('loss') }),
      );
      output.result({ picture: out, metric: options.metric, runs }, () => `picture       ${out}`);
    },
  },
};

/** Writes the figures of a model's modalities; where there are several each has its modality in its name. */
async function writeEach(out: string, figures: Record<string, Figure>): Promise<string[]> {
  const several = Object.keys(figures).length > 1;
  const written: string[] = [];
  for (const [name, figure] of Object.entries(figures)) {
    const path = several ? `${out.replace(/\.png$/i, '')}-${name}.png` : out;
    await writePng(path, figure);
    written.push(path);
  }
  return written;
}

function maskingAlone({ 'training.seed': _, ...masking }: Record<string, string>): Record<string, string> {
  return masking;
}

function refuseMore(more: readonly string[]): void {
  if (more.length > 0) throw new UsageError(`"${more[0]}" is one path too many: leave it out.`);
}
