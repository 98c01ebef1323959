import { availableParallelism } from 'node:os';
import { unknownName } from '../../src/errors/index.js';
import { defineBenchmark, pythonOption } from '../benchmark.js';
import {
  efficiency,
  type Measured,
  measureBeside,
  memoryShare,
  notesOf,
  PARTS,
  type Part,
  speedup,
  stepOf,
  stepOptions,
  tablesOf,
} from '../besideTorch.js';
import { type Check, check, percent } from '../report.js';
import { imageModels } from '../trainedModels.js';

/** How many times faster than PyTorch, and how much of its memory. */
const WANTED = { forward: 1.2, step: 1.1, memory: 1 };

/** `bench image-family` */
export const command = defineBenchmark({
  name: 'image-family',
  summary: 'ViT-B/16 and MAE ViT-B/16 beside PyTorch: time, efficiency, memory',
  description:
    'Forward, forward and backward, and the same with AdamW, of a classifier of 1,000 classes and of a masked ' +
    'auto-encoder that sees a quarter of the patches, at 224x224 and batch 8; in turn with the same models written ' +
    'plainly in PyTorch (the same weights and batch, outputs compared). Efficiency and memory as in `training`.',
  options: {
    ...pythonOption,
    models: { type: 'strings', placeholder: 'A,B', help: 'vit, mae (default: both)' },
    batch: { type: 'number', default: 8, placeholder: 'N', help: 'images of a step' },
    ...stepOptions,
  },
  examples: ['', '--models vit --rounds 2', '--python ~/torch/bin/python', '--quick'],
  rounds: { full: 6, quick: 1 },
  async measure({ models, rounds, python, batch, ...options }, around) {
    const all = new Map<string, Measured>();
    const checks: Check[] = [];
    const data: Record<string, Measured> = {};
    const how = stepOf(options);
    for (const name of models.length > 0 ? models : Object.keys(imageModels)) {
      if (!Object.hasOwn(imageModels, name)) throw unknownName('model of this table', name, Object.keys(imageModels));
      const { title, workload } = imageModels[name];
      const measured = await measureBeside({ ...workload, batch, ...how }, { python, rounds }, around);
      data[name] = measured;
      all.set(title.replace('batch 8', `batch ${batch}`), measured);
      checks.push(...checksOf(name, measured));
    }
    const notes = [
      ...notesOf(all),
      `Medians of ${rounds} rounds in which both sides take turns, ${availableParallelism()} threads each; efficiency by our median, and by our best run.`,
    ];
    return { tables: tablesOf(all), checks, notes, data };
  },
});

function checksOf(name: string, measured: Measured): Check[] {
  const checks: Check[] = [];
  for (const part of ['forward', 'step'] as const satisfies Part[]) {
    const faster = speedup(measured, part);
    const what = `${name}, ${PARTS[part].replace('…', 'forward + backward')}: times faster than PyTorch ${measured.torch}`;
    if (faster) checks.push(check(what, faster, { atLeast: WANTED[part] }));
  }
  const share = memoryShare(measured);
  if (share !== undefined) checks.push(check(`${name}, peak memory over PyTorch's`, share, { atMost: WANTED.memory }));
  const reached = efficiency(measured, 'step');
  checks.push(
    check(
      `${name}, efficiency of the training step`,
      reached,
      { atLeast: imageModels[name].wantedEfficiency },
      percent,
    ),
  );
  return checks;
}
