/** What `hip export` wrote into an ONNX file about itself. */
import { readFile } from 'node:fs/promises';
import { readError } from '../../checkpoint/index.js';
import { ensure, HiperceiverError } from '../../errors/index.js';
import { type ProtoField, readFields } from '../../protobuf/index.js';

/** `ModelProto.metadata_props`, entries of key and value. */
const METADATA_PROPS = 14;

/** An exported model's own account of itself. */
export interface OnnxMetadata {
  /** `system/variant`. */
  model: string;
  task: 'features' | 'classify' | 'reconstruct';
  /** How pixels (0 … 1) become inputs: subtracted, divided by; nothing where the file does it itself. */
  normalization: { mean: number[]; std: number[] };
  classes?: string[];
  /** Where masked inputs are dropped: rows of a group, and how many of them the model sees. */
  visible?: { rows: number; count: number };
  /** Whether reconstructions are normalised within each group. */
  normalizedTargets: boolean;
}

/** Reads it. @throws HiperceiverError where the file is none of `hip export` */
export async function readOnnxMetadata(path: string): Promise<OnnxMetadata> {
  const entries = new Map<string, string>();
  const bytes = await readFile(path).catch((error) => {
    throw readError(error, path);
  });
  try {
    for (const field of readFields(bytes)) {
      if (field.number === METADATA_PROPS) entries.set(...entryOf(field));
    }
  } catch (error) {
    throw new HiperceiverError(`${path} is no whole ONNX file: ${(error as Error).message}`);
  }
  ensure(
    entries.get('producer') === 'hiperceiver',
    () => `${path} does not say how its images are made: give a checkpoint, or a file that "hip export" wrote.`,
  );
  const [rows, count] = rowsOf(entries.get('hidden') ?? '');
  const normalizesItself = !(entries.get('input') ?? '').includes('minus mean');
  const classes = entries.get('classes');
  return {
    model: entries.get('model') ?? 'model',
    task: (entries.get('task') ?? 'features') as OnnxMetadata['task'],
    normalization: normalizesItself
      ? { mean: [0], std: [1] }
      : { mean: JSON.parse(entries.get('mean')!), std: JSON.parse(entries.get('std')!) },
    classes: classes === undefined ? undefined : JSON.parse(classes),
    visible: rows > 0 ? { rows, count } : undefined,
    normalizedTargets: entries.has('targets'),
  };
}

/** Rows of a group and those that are seen, as the export words it: `the 5 rows of each group's 36`. */
function rowsOf(hidden: string): [rows: number, count: number] {
  const [, count, rows] = /the (\d+) rows of each group's (\d+)/.exec(hidden) ?? [];
  return rows === undefined ? [0, 0] : [Number(rows), Number(count)];
}

function entryOf(field: ProtoField): [key: string, value: string] {
  const texts = new Map([...field.message()].map((part) => [part.number, part.string()]));
  return [texts.get(1) ?? '', texts.get(2) ?? ''];
}
