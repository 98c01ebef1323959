/** Features as files that any program reads. */
import { writeFileAtomic } from '../checkpoint/index.js';
import { type Dataset, exampleName, formatNpy } from '../data/index.js';
import type { FeatureSet } from './probe.js';

/**
 * Writes `<path>` `[N, D]` f32 and, beside it, `….labels.npy` `[N]` i32 (labelled data alone) and `….ids.txt`: one line
 * for each row, with its file, or its place in the file that holds it.
 * @param path ends in `.npy`
 * @returns the files written
 */
export async function saveFeatures(
  path: string,
  features: FeatureSet & { ids: Int32Array },
  dataset: Dataset,
): Promise<string[]> {
  const { data, dim, labels, ids } = features;
  const stem = path.replace(/\.npy$/, '');
  const files = [`${stem}.npy`, `${stem}.ids.txt`];
  await writeFileAtomic(files[0], formatNpy({ shape: [ids.length, dim], data: Float32Array.from(data) }));
  await writeFileAtomic(files[1], [...ids].map((id) => `${exampleName(dataset.source, id)}\n`).join(''));
  if (labels.length > 0) {
    files.push(`${stem}.labels.npy`);
    await writeFileAtomic(files[2], formatNpy({ shape: [labels.length], data: Int32Array.from(labels) }));
  }
  return files;
}
