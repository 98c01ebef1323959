/** HiP in plain PyTorch (`torch_hip.py`, `torch_vit.py`) as a peer: started with our weights and batch, compared, timed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSafetensors, toFloat32, writeSafetensors } from '../../src/checkpoint/index.js';
import { ensure } from '../../src/errors/index.js';
import { countParameters } from '../../src/nn/index.js';
import type { Contender, Durations } from '../measure.js';
import { parameterValues, type Workload } from '../workload.js';
import { type Answer, PeerProcess } from './peerProcess.js';

/** How the peer multiplies attention: by PyTorch's fused operator, or written out. */
export type AttentionMode = 'fused' | 'plain';

const scriptOf = ({ spec }: Workload) =>
  fileURLToPath(
    new URL(`../../../bench/peers/${spec.task === 'image' ? 'torch_vit' : 'torch_hip'}.py`, import.meta.url),
  );
/** Values of the two sides may differ by so much, relative to the largest of them. */
const TOLERANCE = 1e-3;

/** A running PyTorch with a workload's model. */
export class TorchPeer {
  private constructor(
    private readonly process: PeerProcess,
    private readonly folder: string,
    readonly version: string,
    private readonly parameters: number,
    readonly attentions: AttentionMode[],
  ) {}

  /** Starts PyTorch with a workload's weights and batch; a sentence where that is not possible here. */
  static async start(workload: Workload, python: string): Promise<TorchPeer | { missing: string }> {
    const folder = await mkdtemp(join(tmpdir(), 'hip-bench-'));
    const spec = await writeSpec(workload, folder);
    const started = await PeerProcess.start(python, [scriptOf(workload)], spec);
    if ('missing' in started) {
      await rm(folder, { recursive: true });
      const isAbsent = /No module named|ENOENT|EACCES/.test(started.missing);
      const way = isAbsent
        ? 'name an interpreter that has torch and safetensors with --python or HIP_BENCH_PYTHON'
        : 'its script found something that it did not expect';
      return { missing: `PyTorch was skipped (${python}: ${started.missing}): ${way}.` };
    }
    const { version, parameters, attentions } = started.hello as {
      version: string;
      parameters: number;
      attentions: AttentionMode[];
    };
    return new TorchPeer(started.peer, folder, version, parameters, attentions);
  }

  /** Forward passes in one mode, as `forward`. */
  forwards(mode: AttentionMode): Contender {
    return this.contender(mode, async () => ({ forward: (await this.process.ask('forward')).ms as number }));
  }

  /** Forward passes and training steps in one mode, as `forward`, `gradient` and `step`. */
  steps(mode: AttentionMode): Contender {
    return this.contender(mode, async () => {
      const forward = (await this.process.ask('forward')).ms as number;
      const { gradientMs, ms } = (await this.process.ask('step')) as Record<string, number>;
      return { forward, gradient: gradientMs, step: ms };
    });
  }

  /**
   * Checks that both sides have the same parameters and give the same answer to the batch, before any training.
   * @returns how far the answers are apart, relative to the largest value
   */
  async verify({ needs }: Workload, ours: Float32Array): Promise<number> {
    const own = countParameters(needs);
    ensure(
      own === this.parameters,
      () => `Both sides should have ${own} parameters, and PyTorch has ${this.parameters}.`,
    );
    const file = join(this.folder, 'output.safetensors');
    await this.process.ask(`save ${file}`);
    return compareOutputs(ours, toFloat32((await readSafetensors(file)).tensors.get('output')!));
  }

  /** Losses of so many training steps, and the process's peak memory in bytes after them. */
  async train(mode: AttentionMode, steps: number): Promise<{ losses: number[]; peakBytes: number }> {
    await this.process.ask(`attention ${mode}`);
    const losses: number[] = [];
    for (let i = 0; i < steps; i++) losses.push((await this.process.ask('step')).loss as number);
    return { losses, peakBytes: (await this.process.ask('memory')).peakBytes as number };
  }

  async close(): Promise<void> {
    await this.process.close();
    await rm(this.folder, { recursive: true });
  }

  private contender(mode: AttentionMode, measure: () => Promise<Durations>): Contender {
    return {
      name: mode,
      run: async (): Promise<Durations> => {
        await this.process.ask(`attention ${mode}`);
        return measure();
      },
    };
  }
}

/** How far the two sides' answers are apart, relative to the largest value. Throws a sentence where they differ. */
export function compareOutputs(ours: Float32Array, theirs: Float32Array): number {
  let [largest, difference] = [0, ours.length === theirs.length ? 0 : Number.POSITIVE_INFINITY];
  for (let i = 0; i < ours.length; i++) {
    largest = Math.max(largest, Math.abs(ours[i]));
    difference = Math.max(difference, Math.abs(ours[i] - theirs[i]));
  }
  const relative = difference / largest;
  ensure(
    relative <= TOLERANCE,
    () => `Both sides should compute the same, but their answers differ by ${relative.toExponential(1)}: one is wrong.`,
  );
  return relative;
}

async function writeSpec({ spec, config, needs, feeds }: Workload, folder: string): Promise<Answer> {
  const [weights, input] = [join(folder, 'weights.safetensors'), join(folder, 'input.safetensors')];
  const values = parameterValues(needs.parameters.values());
  const stored = [...needs.parameters.values()].map(
    ({ name, shape }) => [name, { dtype: 'F32', shape: [...shape], data: values.get(name)! }] as const,
  );
  await writeSafetensors(weights, stored as Parameters<typeof writeSafetensors>[1]);
  const batch = feeds().image as Float32Array;
  const inputShape = [spec.batch, batch.length / spec.batch / spec.channels, spec.channels];
  await writeSafetensors(input, [['input', { dtype: 'F32', shape: inputShape, data: batch }]]);
  return { config, modality: 'image', inputShape, weights, input, threads: availableParallelism() };
}
