/** Golden cases as the folders in which others publish such models. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const own = fileURLToPath(new URL('../../../test/golden/', import.meta.url));
const shared = fileURLToPath(new URL('../../../../shared/golden/', import.meta.url));

/** Hugging Face's word for each of our systems. */
const MODEL_TYPES: Record<string, string> = { vit: 'vit', mae: 'vit_mae', beit: 'beit', perceiver: 'perceiver' };

/** A golden case. */
export interface PublishedCase {
  system: string;
  name: string;
  folder: string;
  json: any;
}

/** Cases with weights of these systems: those of the repository, and all others where they lie beside it. */
export function publishedCases(systems: readonly string[]): PublishedCase[] {
  return systems.flatMap((system) => {
    const root = existsSync(join(shared, system)) ? join(shared, system) : join(own, system);
    if (!existsSync(root)) return [];
    return readdirSync(root)
      .filter((name) => existsSync(join(root, name, 'weights.safetensors')))
      .map((name) => {
        const folder = join(root, name);
        return { system, name, folder, json: JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')) };
      });
  });
}

/** The case's weights as a folder to be imported: `config.json` in Hugging Face's form, or arguments as `model_args`. */
export function publishedFolder({ system, name, folder, json }: PublishedCase): string {
  const out = join(mkdtempSync(join(tmpdir(), 'hip-published-')), name);
  mkdirSync(out);
  cpSync(join(folder, 'weights.safetensors'), join(out, 'model.safetensors'));
  const entry = String(json.reference?.entry ?? '').match(/\w+For\w+/)?.[0];
  const config = name.startsWith('hf_')
    ? { model_type: MODEL_TYPES[system], architectures: [entry], ...json.config }
    : { model_args: json.config };
  writeFileSync(join(out, 'config.json'), JSON.stringify(config));
  return out;
}
