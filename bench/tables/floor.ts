import { availableParallelism } from 'node:os';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { unknownName } from '../../src/errors/index.js';
import { Graph, input, type Node, optimize, type Tensor } from '../../src/graph/index.js';
import { type Around, defineBenchmark } from '../benchmark.js';
import { TRAINING_FACTOR } from '../flops.js';
import { median, timed } from '../measure.js';
import { createProducts } from '../products.js';
import { check, ms, percent, type Result } from '../report.js';
import { hipModels, imageModels } from '../trainedModels.js';
import { programsOf } from '../training.js';
import { buildWorkload } from '../workload.js';

const MODELS = { ...hipModels, ...imageModels };
/** Products that take less than this share of all operations are listed together. */
const LEAST_SHARE = 0.01;
/** Products of one form in a program: so many that starting it does not count, and that weights come from memory as in a step. */
const MOST_COPIES = 24;
const COPY_BYTES = 2 ** 28;

/** Products of one form: how many the step has, and what one takes. */
interface Form {
  form: string;
  node: Node;
  count: number;
  flops: number;
}

/** `bench floor` */
export const command = defineBenchmark({
  name: 'floor',
  summary: 'What the products of a training step take alone, each with its result in memory that is there',
  description:
    'Takes every matrix product of a gradient program by itself, in the same engine, with its result in a buffer, and ' +
    'adds up what they take: no arrangement of the rest of the step can be faster while these kernels are used. The ' +
    'efficiency that a step of nothing but these would have is set beside the wanted one.',
  options: {
    models: {
      type: 'strings',
      placeholder: 'A,B',
      help: 'Mini, 16, vit, mae (default: all; with --quick Mini)',
    },
  },
  examples: ['', '--models 16 --rounds 5', '--quick'],
  rounds: { full: 9, quick: 3 },
  async measure({ models, rounds, quick }, around) {
    const result: Result = { tables: [], checks: [], notes: [], data: {} };
    for (const name of models.length > 0 ? models : quick ? ['Mini'] : Object.keys(MODELS)) {
      if (!Object.hasOwn(MODELS, name)) throw unknownName('model of this table', name, Object.keys(MODELS));
      await measureModel(name, rounds, result, around);
    }
    result.notes.push(
      `Medians of ${rounds} runs of each form, ${availableParallelism()} threads; the best rate is that of large products between them.`,
    );
    return result;
  },
});

async function measureModel(name: string, rounds: number, result: Result, { note }: Around): Promise<void> {
  const { title, workload: spec, wantedEfficiency } = MODELS[name];
  const workload = buildWorkload(spec);
  const { nodes } = optimize(programsOf(workload).segments[0].gradient.graph);
  const forms = formsOf(nodes);
  const all = forms.reduce((total, { flops, count }) => total + flops * count, 0);
  await using engine = await createEngine({ device: 'cpu' });
  const products = await createProducts(engine);
  const rows: { form: string; count: number; flops: number; best: number; alone: number }[] = [];
  for (const [i, { form, node, count, flops }] of forms.entries()) {
    if (i % 8 === 0) await products.run();
    note(`${title}: form ${i + 1} of ${forms.length}`);
    const { median: one, best } = await timeAlone(engine, node, rounds);
    rows.push({ form, count, flops: flops * count, best: best * count, alone: one * count });
  }
  const rate = products.bestRate();
  const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + of(row), 0);
  const atBest = (flops: number) => (1000 * flops) / rate;
  const cells = (form: string, some: typeof rows) => {
    const total = (of: (row: (typeof rows)[number]) => number) => some.reduce((t, row) => t + of(row), 0);
    const [flops, alone, best] = [total((r) => r.flops), total((r) => r.alone), total((r) => r.best)];
    const shares = [percent(atBest(flops) / alone), percent(atBest(flops) / best)];
    return [form, total((r) => r.count), (flops / 1e9).toFixed(2), ms(atBest(flops)), ms(alone), ms(best), ...shares];
  };
  const isLarge = (row: (typeof rows)[number]) => row.flops >= LEAST_SHARE * all;
  result.tables.push({
    title,
    columns: [
      'product',
      'times',
      'GFLOP',
      'at the best rate ms',
      'alone ms',
      'best',
      'of the best rate',
      'of it, best',
    ],
    rows: [
      ...rows.filter(isLarge).map((row) => cells(row.form, [row])),
      cells(
        'all others',
        rows.filter((row) => !isLarge(row)),
      ),
      cells('all', rows),
    ],
  });
  const plain = atBest(TRAINING_FACTOR * workload.plainFlops!);
  const medians = plain / sum((row) => row.alone);
  const best = plain / sum((row) => row.best);
  const what = `${title}: efficiency of a step of nothing but its products, by`;
  result.checks.push(check(`${what} medians`, medians, { atLeast: wantedEfficiency }, percent));
  result.checks.push(check(`${what} best runs`, best, { atLeast: wantedEfficiency }, percent));
  (result.data as Record<string, unknown>)[name] = { rate, plainMs: plain, rows };
}

/** The products of a graph by shapes and transposes, those with most operations first. */
function formsOf(nodes: readonly Node[]): Form[] {
  const forms = new Map<string, Form>();
  for (const node of nodes) {
    if (node.operator.name !== 'matmul') continue;
    const { transA, transB } = node.attributes as { transA: boolean; transB: boolean };
    const [a, b] = node.inputs.map((t) => t.shape.filter((n, i) => n > 1 || i >= t.rank - 2).join('x'));
    const form = `${a}${transA ? 'ᵀ' : ''} · ${b}${transB ? 'ᵀ' : ''}`;
    const flops = node.operator.flops!(node, node.attributes);
    const known = forms.get(form) ?? { form, node, count: 0, flops };
    forms.set(form, { ...known, count: known.count + 1 });
  }
  return [...forms.values()].sort((a, b) => b.flops * b.count - a.flops * a.count);
}

/** Milliseconds of one product of several in a program, each with factors and a result of its own in buffers. */
async function timeAlone(engine: Engine, node: Node, rounds: number): Promise<{ median: number; best: number }> {
  const bytes = 4 * [...node.inputs, ...node.outputs].reduce((total, { size }) => total + size, 0);
  const copies = Math.max(1, Math.min(MOST_COPIES, Math.floor(COPY_BYTES / bytes)));
  const [inputs, outputs] = [new Map<string, Tensor>(), new Map<string, Tensor>()];
  for (let i = 0; i < copies; i++) {
    const [a, b] = node.inputs.map((t, n) => input(`floor/${n}/${i}`, t.shape));
    inputs.set(`floor/0/${i}`, a).set(`floor/1/${i}`, b);
    outputs.set(`floor/y/${i}`, a.matmul(b, node.attributes));
  }
  const same = (names: Iterable<string>) => Object.fromEntries([...names].map((name) => [name, name]));
  const program = await engine.compile(new Graph(outputs), {
    inputs: same(inputs.keys()),
    outputs: same(outputs.keys()),
  });
  for (const [name, type] of inputs) {
    const values = Float32Array.from({ length: type.size }, (_, at) => 0.5 + 1e-3 * (at % 97));
    await engine.write({ [name]: { type, values } }, { transfer: true });
  }
  await program.run();
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) samples.push((await timed(() => program.run())).ms / copies);
  await program.dispose();
  await engine.free([...inputs.keys(), ...outputs.keys()]);
  return { median: median(samples), best: Math.min(...samples) };
}
