/** CIFAR-10 and CIFAR-100 in their binary version: records of label bytes and 3 x 32 x 32 planar pixels. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ensure } from '../../errors/index.js';
import { joinShared, readBytes, readLines } from '../bytes.js';
import { type FoundExamples, type Location, naturalOrder, type SplitExamples } from './format.js';

const PIXELS = 3 * 32 * 32;

interface Variant {
  classCount: number;
  /** Bytes before the pixels; the last of them is the (fine) label. */
  labelBytes: number;
  classFile: string;
  files: Record<string, RegExp>;
}

const CIFAR10: Variant = {
  classCount: 10,
  labelBytes: 1,
  classFile: 'batches.meta.txt',
  files: { train: /^data_batch_\d+\.bin$/, test: /^test_batch\.bin$/ },
};
const CIFAR100: Variant = {
  classCount: 100,
  labelBytes: 2,
  classFile: 'fine_label_names.txt',
  files: { train: /^train\.bin$/, test: /^test\.bin$/ },
};

/** Finds the batches in a folder, or in the sub-folder that the official archive unpacks to. */
export async function detectCifar(location: Location): Promise<FoundExamples | undefined> {
  if (location.file !== undefined) return undefined;
  for (const sub of ['', 'cifar-10-batches-bin', 'cifar-100-binary']) {
    const folder = join(location.folder, sub);
    const names = sub === '' ? location.files : (await readdir(folder).catch(() => [])).sort(naturalOrder);
    for (const variant of [CIFAR10, CIFAR100]) {
      const splits = Object.keys(variant.files).filter((split) =>
        names.some((name) => variant.files[split].test(name)),
      );
      if (splits.length > 0) return { splits, read: (split) => readSplit(folder, names, variant, split as string) };
    }
  }
  return undefined;
}

async function readSplit(folder: string, names: string[], variant: Variant, split: string): Promise<SplitExamples> {
  const record = variant.labelBytes + PIXELS;
  const classes =
    (await readLines(join(folder, variant.classFile))) ??
    Array.from({ length: variant.classCount }, (_, i) => String(i));
  const pixels: Uint8Array[] = [];
  const labels: number[] = [];
  for (const name of names.filter((candidate) => variant.files[split].test(candidate))) {
    const path = join(folder, name);
    const bytes = await readBytes(path);
    ensure(
      bytes.length > 0 && bytes.length % record === 0,
      () =>
        `"${path}" holds ${bytes.length} bytes, not a whole number of ${record}-byte CIFAR records: it is truncated, so replace it by an intact copy.`,
    );
    for (let at = 0; at < bytes.length; at += record) {
      const label = bytes[at + variant.labelBytes - 1];
      ensure(
        label < classes.length,
        () => `"${path}" holds the label ${label}, outside 0 … ${classes.length - 1}: replace it by an intact copy.`,
      );
      labels.push(label);
      pixels.push(bytes.subarray(at + variant.labelBytes, at + record));
    }
  }
  const rows = Int32Array.from(labels.keys());
  const shape = { height: 32, width: 32, channels: 3 };
  const source = {
    kind: 'pixels' as const,
    name: join(folder, split),
    shape,
    planar: true,
    data: joinShared(pixels),
    rows,
  };
  return { source, labels: Int32Array.from(labels), classes, remarks: [] };
}
