import { openImageFiles, spreadSample } from '../../data/index.js';
import { unknownName } from '../../errors/index.js';
import { loadModel, openDataOf } from '../../tasks/index.js';
import { attentionPicture, curvesPicture, imageLocality, positionsPicture, writePng } from '../../visualize/index.js';
import { type CommandContext, defineCommand } from '../command.js';
import { countOption, dataOption, deviceOption, splitOption, startEngine } from '../modelOptions.js';
import { plural } from '../quantities.js';
import { UsageError } from '../usageError.js';

const options = {
  out: { type: 'string', placeholder: 'PNG', help: 'the picture (default: KIND.png)' },
  data: dataOption,
  split: splitOption,
  block: { type: 'number', help: 'attention: block whose latents are asked (default: the last of the encoder)' },
  count: { type: 'number', default: 10, help: 'attention: latents to show beside their mean' },
  metric: { type: 'string', default: 'loss', help: 'curves: what to draw of the log' },
  device: deviceOption,
} as const;

/** What draws one kind of picture: the command's context, and where the picture goes. */
type Context = CommandContext<typeof options> & { out: string };

/** `hip visualize`: pictures of what a model learned. */
export const command = defineCommand({
  name: 'visualize',
  summary: 'Draw learned positions, attention, or the curves of a run',
  usage: 'positions|attention|curves CHECKPOINT|RUN… [IMAGE] [options]',
  description:
    'positions: the position embeddings as colours and as similarity maps, with their locality score beside chance. ' +
    'attention: what the latents take from each pixel of IMAGE (default: one of the test images). ' +
    'curves: a metric of one or several runs over their steps.',
  options,
  positionals: [
    { name: 'KIND', help: 'positions, attention or curves' },
    { name: 'PATH', help: 'checkpoint or run folder; for curves one or several run folders' },
    { name: 'IMAGE', help: 'for attention: the image to look at', optional: true, many: true },
  ],
  examples: [
    'hip visualize positions runs/first',
    'hip visualize attention runs/first cat.jpg --out cat-attention.png',
    'hip visualize attention runs/first --block 0',
    'hip visualize curves runs/finetune runs/scratch --metric accuracy --out accuracy.png',
  ],
  run: async (context) => {
    const [kind] = context.positionals;
    if (!Object.hasOwn(kinds, kind)) throw new UsageError(unknownName('picture', kind, Object.keys(kinds)).message);
    await kinds[kind]({ ...context, out: context.options.out ?? `${kind}.png` });
  },
});

const kinds: Record<string, (context: Context) => Promise<void>> = {
  positions: async ({ positionals: [, path, ...more], out, output }) => {
    refuseMore(more);
    const model = await loadModel(path);
    const found = imageLocality(model);
    const { score, chance } = found;
    await writePng(out, positionsPicture(model, found));
    output.result(
      { picture: out, locality: score, chance },
      () => `locality      ${score.toFixed(3)} (chance ${chance.toFixed(3)})\npicture       ${out}`,
    );
  },

  attention: async ({ positionals: [, path, image, ...more], options, out, output }) => {
    refuseMore(more);
    const model = await loadModel(path);
    const images = image
      ? openImageFiles([image])
      : spreadSample(await openDataOf(model, { path: options.data, split: options.split }), 1);
    await using engine = await startEngine(options.device);
    const count = countOption('--count', options.count);
    const { figure, attention } = await attentionPicture(model, images, engine, { block: options.block, count });
    await writePng(out, figure);
    const { block, groups, latents, elsewhere } = attention;
    const padding = elsewhere.reduce((a, b) => a + b, 0) / elsewhere.length;
    output.result({ picture: out, block, groups, latents, elsewhere: padding }, () =>
      [
        `block         ${block}: ${plural(groups, 'group')} of ${plural(latents, 'latent')}`,
        ...(padding > 1e-6
          ? [`elsewhere     ${(100 * padding).toFixed(1)} % of the attention falls on padding or labels`]
          : []),
        `picture       ${out}`,
      ].join('\n'),
    );
  },

  curves: async ({ positionals: [, ...runs], options, out, output }) => {
    const named = Object.fromEntries(runs.map((run) => [run.replace(/\/+$/, '').split('/').slice(-2).join('/'), run]));
    await writePng(
      out,
      await curvesPicture(named, options.metric, { title: options.metric, logY: options.metric.startsWith('loss') }),
    );
    output.result({ picture: out, metric: options.metric, runs }, () => `picture       ${out}`);
  },
};

function refuseMore(more: readonly string[]): void {
  if (more.length > 0) throw new UsageError(`"${more[0]}" is one path too many: leave it out.`);
}
