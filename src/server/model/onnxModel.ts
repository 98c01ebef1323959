/** An exported ONNX file, run by plain ONNX Runtime in a process of its own. */
import type { Reader } from '../../data/index.js';
import { ensure } from '../../errors/index.js';
import { sizeOf, type TensorType } from '../../graph/index.js';
import { type DrawnMask, drawMask, elementMask, type MaskPlan } from '../../objectives/index.js';
import { fold, keyFrom } from '../../random/index.js';
import { typedFeeds } from '../../tasks/exportProof.js';
import { OnnxFile } from '../../tasks/onnxFile.js';
import { restoreTargets } from '../../tasks/reconstruction.js';
import { HttpError } from '../httpError.js';
import { cutOutputs, stackFeeds } from './batchFeeds.js';
import { type OnnxMetadata, readOnnxMetadata } from './onnxMetadata.js';
import type { Example, Feeds, Outputs, ReconstructionWork, ServedModel, Task, Work } from './servedModel.js';

const TASKS: Record<OnnxMetadata['task'], readonly Task[]> = {
  features: ['embed'],
  classify: ['classify'],
  reconstruct: ['reconstruct'],
};
/** Share that is hidden where the file takes any mask and the request names none. */
const DEFAULT_RATIO = 0.75;

/** A file for one task and one batch size, both fixed when it was exported. */
export class OnnxModel implements ServedModel {
  readonly name: string;
  readonly tasks: readonly Task[];
  readonly modalities;
  readonly reader: Reader;
  readonly classes?: readonly string[];
  readonly batchSize: number;
  private readonly inputs: ReadonlyMap<string, TensorType>;
  private readonly image: string;

  private constructor(
    readonly path: string,
    private readonly file: OnnxFile,
    private readonly metadata: OnnxMetadata,
  ) {
    this.name = metadata.model;
    this.tasks = TASKS[metadata.task] ?? [];
    this.classes = metadata.classes;
    this.inputs = new Map(
      file.inputs.map(({ name, type, shape }) => {
        const sizes = shape.map((size) => (typeof size === 'number' ? size : 1));
        return [name, { shape: sizes, dtype: type === 'int32' ? 'i32' : 'f32' }];
      }),
    );
    const image = [...this.inputs].find(([, { shape }]) => shape.length === 4);
    ensure(image && this.tasks.length > 0, () => `${path} takes no images [batch, height, width, channels].`);
    const [name, { shape }] = image;
    this.image = name;
    this.batchSize = shape[0];
    const [, height, width, channels] = shape;
    this.modalities = [{ name, indexShape: [height, width], channels }];
    const { normalization } = metadata;
    this.reader = {
      kind: 'image',
      imageSize: [height, width],
      channels,
      crop: 'center',
      flip: false,
      ...normalization,
    };
  }

  /** Starts the process, and runs the file once. */
  static async open(path: string, { threads }: { threads?: number } = {}): Promise<OnnxModel> {
    const metadata = await readOnnxMetadata(path);
    const file = await OnnxFile.open(path, { threads });
    try {
      const model = new OnnxModel(path, file, metadata);
      await model.probe();
      return model;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  embed({ signals }: Example): Work {
    return { program: 'embed', feeds: signals };
  }

  classify({ signals }: Example): Work {
    return { program: 'classify', feeds: signals };
  }

  reconstruct({ signals }: Example, maskRatio: number | undefined, seed: number): ReconstructionWork {
    const key = fold(keyFrom(seed), 'masks');
    const { visible } = this.metadata;
    if (!visible) {
      const plan = this.plan(this.pixels, Math.round(this.pixels * (1 - (maskRatio ?? DEFAULT_RATIO))), 1);
      const mask = elementMask(plan, drawMask(plan, key));
      return { program: 'mask', feeds: { ...signals, mask }, masks: { [this.image]: mask } };
    }
    const share = 1 - visible.count / visible.rows;
    if (maskRatio !== undefined && Math.abs(maskRatio - share) > 0.025) {
      throw new HttpError(
        400,
        'bad_query',
        `This file was exported to hide ${share.toFixed(3)} of its inputs: leave mask-ratio out, or serve the checkpoint.`,
      );
    }
    const plan = this.plan(visible.rows, visible.count, this.inputs.get('visible')!.shape[1]);
    const drawn: DrawnMask = drawMask(plan, key);
    const mask = elementMask(plan, drawn);
    // The file takes one mask for a whole batch: examples of one seed go together.
    return { program: `visible ${seed}`, feeds: { ...signals, visible: drawn.visible }, masks: { [this.image]: mask } };
  }

  async run(_program: string, examples: readonly Feeds[]): Promise<Outputs[]> {
    const results: Outputs[] = [];
    do {
      const part = examples.slice(results.length, results.length + this.batchSize);
      const outputs = await this.file.run(typedFeeds([...this.inputs], stackFeeds(this.inputs, part)));
      results.push(...cutOutputs(outputs, this.batchSize, part.length).map((own) => this.named(own)));
    } while (results.length < examples.length);
    const { normalizedTargets, visible } = this.metadata;
    if (!normalizedTargets || results.length === 0) return results;
    ensure(visible, () => `${this.path} does not say how large its groups are: serve the checkpoint instead.`);
    const plan = this.plan(visible.rows, visible.count, 1);
    const filled = `filled/${this.image}`;
    return results.map((own, i) => ({
      [filled]: restoreTargets(own[filled], examples[i][this.image] as Float32Array, plan),
    }));
  }

  /** Outputs under the names that served models give them. */
  private named({ reconstruction, ...rest }: Outputs): Outputs {
    return reconstruction ? { ...rest, [`filled/${this.image}`]: reconstruction } : rest;
  }

  async probe(): Promise<void> {
    await this.run('', []);
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  private get pixels(): number {
    return sizeOf(this.modalities[0].indexShape);
  }

  /** Masks over groups of `rows` pixels, of which `count` are seen. */
  private plan(rows: number, count: number, groups: number): MaskPlan {
    const numVisible = Math.min(rows - 1, Math.max(1, count));
    const indexDim = this.pixels;
    const part = {
      name: this.image,
      indexDim,
      groups: Math.ceil(indexDim / rows),
      // How much of the last group is padding does not matter to a mask.
      finalPadding: 0,
      groupPadding: 0,
    };
    return { part, rows, numVisible, numMasked: rows - numVisible, examples: 1, groups, batchSize: 1, dropModality: 0 };
  }
}
