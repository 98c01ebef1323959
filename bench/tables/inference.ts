import { availableParallelism } from 'node:os';
import { createEngine } from '../../src/engine/index.js';
import { availableMemory, estimateMemory } from '../../src/engine/memory.js';
import { unknownName } from '../../src/errors/index.js';
import { PARAMETER } from '../../src/nn/index.js';
import { type Around, defineBenchmark, pythonOption } from '../benchmark.js';
import { inTurn, type Timings, timed } from '../measure.js';
import { TorchPeer } from '../peers/torch.js';
import { createProducts } from '../products.js';
import { gigabytes, ms, percent, type Result, ratio } from '../report.js';
import { buildWorkload, parameterValues, type Workload } from '../workload.js';

/** The grid that each variant reads. */
const MODELS: Record<string, number[]> = { Mini: [1024], '16': [224, 224], '256': [224, 224] };
/** PyTorch keeps more alive in a forward pass than our estimate for ourselves tells; what both need must fit. */
const SIDES = 2;

/** `bench inference` */
export const command = defineBenchmark({
  name: 'inference',
  summary: 'Forward passes at batch 1 and 8 beside PyTorch',
  description:
    'Reconstruction of a whole input by HiP-Mini (1,024 x 3), HiP-16 and HiP-256 (50,176 x 3), in turn with HiP ' +
    'written plainly in PyTorch without gradients: the same weights and batch, outputs compared. What the estimate ' +
    'says does not fit into the free memory is left out.',
  options: {
    ...pythonOption,
    models: { type: 'strings', placeholder: 'A,B', help: 'Mini, 16, 256 (default: all; with --quick Mini)' },
    batches: { type: 'strings', default: ['1', '8'], placeholder: 'N,M', help: 'examples in a pass' },
  },
  examples: ['', '--models 16 --batches 1', '--quick --python ~/torch/bin/python'],
  rounds: { full: 12, quick: 2 },
  async measure({ models, batches, rounds, python, quick }, around) {
    const columns = ['model', 'batch', 'ours ms', 'best', 'PyTorch fused ms', 'plain ms', 'times faster', 'efficiency'];
    const table = { columns, rows: [] as Result['tables'][0]['rows'] };
    const notes = new Set<string>();
    const data = [];
    for (const variant of models.length > 0 ? models : quick ? ['Mini'] : Object.keys(MODELS)) {
      if (!Object.hasOwn(MODELS, variant)) throw unknownName('model of this table', variant, Object.keys(MODELS));
      for (const batch of batches.map(Number)) {
        const title = `HiP-${variant}, ${MODELS[variant].join('x')} x 3`;
        const workload = buildWorkload({
          ...{ system: 'hip', variant, indexShape: MODELS[variant], channels: 3, batch },
          task: 'reconstruct',
        });
        const needed = SIDES * estimateMemory(workload.forward).peak;
        if (needed > availableMemory()) {
          table.rows.push([title, batch, `needs ${gigabytes(needed)}`]);
          continue;
        }
        const measured = await measureForward(workload, { python, rounds }, around);
        data.push({ variant, batch, ...measured });
        table.rows.push([title, batch, ...cells(measured)]);
        if (measured.missing) notes.add(measured.missing);
      }
    }
    notes.add(`Medians of ${rounds} rounds in which both sides take turns, ${availableParallelism()} threads each.`);
    return { tables: [table], checks: [], notes: [...notes], data };
  },
});

interface Measured {
  timings: Timings;
  bestRate: number;
  plainFlops: number;
  outputsDiffer?: number;
  missing?: string;
}

async function measureForward(
  workload: Workload,
  { python, rounds }: { python: string; rounds: number },
  { note }: Around,
): Promise<Measured> {
  const { variant, batch } = workload.spec;
  note(`HiP-${variant}, batch ${batch}`);
  await using engine = await createEngine({ device: 'cpu' });
  const specs = [...workload.needs.parameters.values()];
  const resident = Object.fromEntries(specs.map(({ name }) => [PARAMETER + name, PARAMETER + name]));
  const forward = await engine.compile(workload.forward, { inputs: resident });
  const values = parameterValues(specs);
  await engine.write(
    Object.fromEntries(
      specs.map(({ name, shape }) => [
        PARAMETER + name,
        { type: { shape, dtype: 'f32' as const }, values: values.get(name)! },
      ]),
    ),
  );
  const products = await createProducts(engine);
  const feeds = workload.feeds();
  const started = await TorchPeer.start(workload, python);
  const torch = started instanceof TorchPeer ? started : undefined;
  try {
    const { output } = await forward.run(feeds);
    const outputsDiffer = await torch?.verify(workload, output as Float32Array);
    const ours = { name: 'ours', run: async () => ({ forward: (await timed(() => forward.run(feeds))).ms }) };
    const peers = torch?.attentions.map((mode) => torch.forwards(mode)) ?? [];
    const timings = await inTurn([products, ours, ...peers], { rounds });
    return {
      timings,
      bestRate: products.bestRate(),
      plainFlops: workload.plainFlops!,
      outputsDiffer,
      missing: 'missing' in started ? started.missing : undefined,
    };
  } finally {
    await torch?.close();
  }
}

function cells({ timings, bestRate, plainFlops }: Measured) {
  const { ours, fused, plain } = timings;
  const peers = [fused, plain].filter((t) => t !== undefined).map((t) => t.forward.median);
  return [
    ms(ours.forward.median),
    ms(ours.forward.best),
    ms(fused?.forward.median),
    ms(plain?.forward.median),
    peers.length > 0 ? ratio(Math.min(...peers) / ours.forward.median) : undefined,
    percent((1000 * plainFlops) / ours.forward.median / bestRate),
  ];
}
