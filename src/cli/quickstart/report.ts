/** The quickstart's report: one HTML file with curves, pictures, accuracies, settings and time. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { barChart, curvesPicture, type ReportSection, renderReport } from '../../visualize/index.js';
import type { QuickstartResult } from './run.js';

export async function quickstartReport(
  result: QuickstartResult,
  runs: { pretrain: string; finetune: string; scratch: string },
): Promise<string> {
  const { locality, finetuned, scratch, seconds, images, folder, recipes } = result;
  const picture = (name: string) => readFile(join(folder, name));
  const sections: ReportSection[] = [
    {
      heading: 'Pre-training',
      text: `Each of ${images.train.toLocaleString('en')} training images is cut into groups in index order, **${percent(ratio(recipes.pretrain.masking.ratio))} of the pixels are dropped** before the encoder, and the model predicts them. The loss is the mean squared error of the masked pixels, in units of their variance: 1 is what the mean image's grey would reach.`,
      figure: await curvesPicture({ 'masked error': runs.pretrain }, 'loss', {
        title: 'Reconstruction error of masked pixels',
      }),
    },
    {
      heading: 'What it fills in',
      text: 'Images of the test set. The model sees the second column and predicts the rest; visible pixels are pasted into the third.',
      figure: await picture('reconstructions.png'),
    },
    {
      heading: 'Where it thinks pixels lie',
      text: `No position was ever given. Left, the learned position embeddings as colours, laid out as the image; right, how similar one position is to all others. Of the 8 nearest neighbours of a position in embedding space, **${percent(locality.score)}** lie within distance 2 of it in the image (chance ${percent(locality.chance)}).`,
      figure: await picture('positions.png'),
    },
    {
      heading: 'What it is worth',
      text: `The encoder, fine-tuned for ${recipes.finetune.training.steps} steps of ${recipes.finetune.training.batchSize} images, against the same network trained from scratch with the same steps, batches and learning rates; measured on ${images.test.toLocaleString('en')} test images.`,
      figure: barChart({
        title: 'Accuracy on the test set',
        bars: [
          { name: 'pre-trained, fine-tuned', value: finetuned.top1 },
          { name: 'from scratch', value: scratch.top1 },
        ],
        references: [{ value: 1 / finetuned.classes.length, label: 'chance' }],
        max: 1,
        format: percent,
      }),
    },
    {
      heading: 'While fine-tuning',
      figure: await curvesPicture({ 'pre-trained': runs.finetune, 'from scratch': runs.scratch }, 'accuracy', {
        title: 'Accuracy on the training batches',
        yRange: [0, 1],
      }),
    },
    { heading: 'Confusions', figure: await picture('confusion.png') },
    {
      heading: 'Settings and time',
      table: {
        columns: ['', 'pre-training', 'fine-tuning', 'from scratch'],
        rows: [
          ['model', ...three(`${recipes.pretrain.model.name} ${recipes.pretrain.model.variant}`)],
          ['steps', recipes.pretrain.training.steps, recipes.finetune.training.steps, recipes.finetune.training.steps],
          [
            'batch',
            recipes.pretrain.training.batchSize,
            recipes.finetune.training.batchSize,
            recipes.finetune.training.batchSize,
          ],
          [
            'learning rate',
            recipes.pretrain.optimizer.learningRate,
            recipes.finetune.optimizer.learningRate,
            recipes.finetune.optimizer.learningRate,
          ],
          ['seed', recipes.pretrain.training.seed, recipes.finetune.training.seed, recipes.finetune.training.seed],
          ['seconds', ...[seconds.pretrain, seconds.finetune, seconds.scratch].map((s) => Number(s.toFixed(1)))],
        ],
      },
    },
    { heading: 'Next', code: nextSteps(folder).join('\n') },
  ];
  return renderReport({
    title: 'Hiperceiver quickstart',
    summary:
      'A small Hierarchical Perceiver learned the geometry of images from raw pixels that carry no position, by filling in what was hidden from it; then it learned to classify.',
    keyFigures: [
      {
        value: locality.score.toFixed(2),
        label: 'locality of learned positions',
        note: `chance ${locality.chance.toFixed(2)}`,
      },
      { value: percent(finetuned.top1), label: 'accuracy, pre-trained', note: `from scratch ${percent(scratch.top1)}` },
      { value: `${Math.round(seconds.total)} s`, label: 'for everything', note: result.machine },
    ],
    sections,
    footer: `${recipes.pretrain.training.device} · seed ${recipes.pretrain.training.seed} · ${result.machine} · ${new Date().toISOString().slice(0, 10)}`,
  });
}

/** Commands worth trying after the quickstart. */
export function nextSteps(folder: string): string[] {
  return [
    `./hip visualize attention ${folder}/finetune                       # where the latents look`,
    `./hip evaluate ${folder}/pretrain --data assets/fashion-mnist      # linear probe and nearest neighbours`,
    `./hip export ${folder}/finetune --out fashion.onnx                 # an ONNX file for any runtime`,
    './hip pretrain --data PATH/TO/YOUR/IMAGES                         # your own pictures',
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function ratio(value: number | Record<string, number>): number {
  return typeof value === 'number' ? value : Object.values(value)[0];
}

function three(value: string): [string, string, string] {
  return [value, value, value];
}
