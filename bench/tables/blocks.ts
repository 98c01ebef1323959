import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSafetensors, toFloat32, writeSafetensors } from '../../src/checkpoint/index.js';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { Graph, gradients, input } from '../../src/graph/index.js';
import { linear, norm, PARAMETER, Scope, scaledDotProductAttention } from '../../src/nn/index.js';
import { type Around, defineBenchmark } from '../benchmark.js';
import { type BlockSpec, type BlockTensor, blockFlops, blockTensors } from '../block.js';
import { type Contender, type Durations, inTurn, type Timings, timed } from '../measure.js';
import { type Answer, PeerProcess } from '../peers/peerProcess.js';
import { compareOutputs } from '../peers/torch.js';
import { ms, type Result, ratio } from '../report.js';

/** Layers as they stand in HiP: the first block of HiP-Mini at batch 4, and the widest blocks of HiP-16. */
const BLOCKS: BlockSpec[] = [
  { groups: 64, latents: 128, channels: 128, heads: 4, widening: 4 },
  { groups: 1, latents: 256, channels: 512, heads: 16, widening: 4 },
  { groups: 4, latents: 64, channels: 1024, heads: 32, widening: 4 },
];
const PACKAGES = ['@jax-js/jax', '@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm'];
const PEERS: Record<string, { title: string; script: string }> = {
  jax: { title: 'jax-js', script: fileURLToPath(new URL('../peers/jax.js', import.meta.url)) },
  tfjs: { title: 'TensorFlow.js', script: fileURLToPath(new URL('../peers/tfjs.js', import.meta.url)) },
};

/** `bench blocks` */
export const command = defineBenchmark({
  name: 'blocks',
  summary: 'A self-attention layer with its MLP beside @jax-js/jax and TensorFlow.js',
  description:
    'Forward, and the gradients of all parameters, of one layer of latents as HiP stacks them: the same numbers on ' +
    'all sides, outputs compared. The peers run on WebAssembly, which is what they have in Node on a CPU; ours runs ' +
    'on ONNX Runtime’s native build and, for the same footing, on its WebAssembly build.',
  options: {
    peers: {
      type: 'string',
      placeholder: 'DIR',
      help: `folder with the peers: npm i --prefix DIR ${PACKAGES.join(' ')}`,
      default: process.env.HIP_BENCH_PEERS || 'peers',
    },
  },
  examples: ['', '--peers ~/peers', '--peers ~/peers --quick'],
  rounds: { full: 12, quick: 2 },
  async measure({ peers, rounds, quick }, around) {
    const table = { columns: [...COLUMNS], rows: [] as Result['tables'][0]['rows'] };
    const notes = new Set<string>();
    const data = [];
    for (const block of quick ? BLOCKS.slice(0, 1) : BLOCKS) {
      const measured = await measureBlock(block, peers, rounds, around, notes);
      data.push({ block, timings: measured });
      table.rows.push(...rowsOf(block, measured));
    }
    notes.add(
      `Medians of ${rounds} rounds in which all sides take turns; ${availableParallelism()} threads for ONNX Runtime. A number in brackets: how many times faster the native build is.`,
    );
    return { tables: [table], checks: [], notes: [...notes], data };
  },
});

const COLUMNS = ['layer', 'part', 'ours, native ms', 'ours, wasm ms', 'jax-js ms', 'TensorFlow.js ms'];

async function measureBlock(
  block: BlockSpec,
  folder: string,
  rounds: number,
  { note }: Around,
  notes: Set<string>,
): Promise<Timings> {
  note(titleOf(block));
  const scratch = await mkdtemp(join(tmpdir(), 'hip-bench-block-'));
  const tensors = blockTensors(block);
  const file = join(scratch, 'block.safetensors');
  await writeSafetensors(
    file,
    [...tensors].map(([name, { shape, values }]) => [name, { dtype: 'F32', shape, data: values }]),
  );
  const running: PeerProcess[] = [];
  await using native = await createEngine({ device: 'cpu' });
  await using wasm = await createEngine({ device: 'wasm' });
  try {
    const ours = await blockOn(native, block, tensors);
    const contenders: Contender[] = [
      { name: 'native', run: ours.run },
      { name: 'wasm', run: (await blockOn(wasm, block, tensors)).run },
    ];
    for (const [name, { title, script }] of Object.entries(PEERS)) {
      const started = await PeerProcess.start(process.execPath, [script], { block, file, folder });
      if ('missing' in started) {
        notes.add(
          `${title} was skipped (${started.missing}): npm i --prefix DIR ${PACKAGES.join(' ')}, then --peers DIR.`,
        );
        continue;
      }
      running.push(started.peer);
      const output = join(scratch, `${name}.safetensors`);
      await started.peer.ask(`save ${output}`);
      compareOutputs(ours.output, toFloat32((await readSafetensors(output)).tensors.get('output')!));
      notes.add(`${title} ${started.hello.version}: ${started.hello.device}.`);
      contenders.push({ name, run: () => runPeer(started.peer, title, notes) });
    }
    return await inTurn(contenders, { rounds, warmUps: 2 });
  } finally {
    for (const peer of running) await peer.close();
    await rm(scratch, { recursive: true });
  }
}

async function runPeer(peer: PeerProcess, title: string, notes: Set<string>): Promise<Durations> {
  const durations: Durations = {};
  for (const part of ['forward', 'gradient'] as const) {
    const { ms: took, failure } = (await peer.ask(part)) as Answer & { ms?: number; failure?: string };
    if (took !== undefined) durations[part] = took;
    else notes.add(`${title} cannot make the ${part} pass: ${failure}.`);
  }
  return durations;
}

/** The layer in the library's own layers, on an engine: its answer, and runs of both passes. */
async function blockOn(
  engine: Engine,
  block: BlockSpec,
  tensors: ReadonlyMap<string, BlockTensor>,
): Promise<{ output: Float32Array; run(): Promise<Durations> }> {
  const { groups, latents, channels, heads, widening } = block;
  const scope = Scope.root();
  const x = input('x', [1, groups, latents, channels]);
  const n = norm(scope.child('norm'), x);
  const [q, k, v] = ['query', 'key', 'value'].map((name) => linear(scope.child(name), n, channels));
  const { output: read } = scaledDotProductAttention(q, k, v, { heads });
  const a = x.add(linear(scope.child('output'), read, channels));
  const mlp = scope.child('mlp');
  const hidden = linear(mlp.child('hidden'), norm(mlp.child('norm'), a), channels * widening).squaredRelu();
  const y = a.add(linear(mlp.child('output'), hidden, channels));

  const specs = [...scope.needs.parameters.values()];
  const reached = Graph.of({ y }).inputs;
  const trained = specs.filter(({ name }) => reached.has(PARAMETER + name));
  const found = gradients(
    y.mul(y).mean(),
    trained.map(({ name }) => reached.get(PARAMETER + name)!),
  );
  const inputs = Object.fromEntries(specs.map(({ name }) => [PARAMETER + name, PARAMETER + name]));
  const outputs = Object.fromEntries(trained.map(({ name }) => [`gradient/${name}`, `gradient/${name}`]));
  const forward = await engine.compile(Graph.of({ y }), { inputs });
  const backward = await engine.compile(
    new Graph(new Map(trained.map(({ name }, i) => [`gradient/${name}`, found[i]]))),
    {
      inputs,
      outputs,
    },
  );
  // The scope's paths are joined by slashes, the tensors' names by dots.
  const valuesOf = (name: string) => tensors.get(name.replaceAll('/', '.'))!.values.slice();
  await engine.write(
    Object.fromEntries(
      specs.map(({ name, shape }) => [
        PARAMETER + name,
        { type: { shape, dtype: 'f32' as const }, values: valuesOf(name) },
      ]),
    ),
  );
  const feeds = { x: tensors.get('x')!.values };
  return {
    output: (await forward.run(feeds)).y as Float32Array,
    run: async () => ({
      forward: (await timed(() => forward.run(feeds))).ms,
      gradient: (await timed(() => backward.run(feeds))).ms,
    }),
  };
}

function titleOf({ groups, latents, channels, heads }: BlockSpec): string {
  return `${groups} x ${latents} latents, ${channels} channels, ${heads} heads`;
}

function rowsOf(block: BlockSpec, { native, wasm, jax, tfjs }: Timings): Result['tables'][0]['rows'] {
  const gigaflops = (blockFlops(block) / native.forward.median / 1e6).toFixed(0);
  return (['forward', 'gradient'] as const).map((part, i) => {
    const beside = (t: Timings[string] | undefined) =>
      t?.[part] && `${ms(t[part].median)} (${ratio(t[part].median / native[part].median)})`;
    const title = i === 0 ? titleOf(block) : `${gigaflops} GFLOP/s forward`;
    return [title, part, ms(native[part].median), beside(wasm), beside(jax), beside(tfjs)];
  });
}
