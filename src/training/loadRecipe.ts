import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../engine/sessionCache.js';
import { ensure, HiperceiverError, unknownName } from '../errors/index.js';
import type { RecipeFile } from './recipe.js';

const extensions = ['.ts', '.mts', '.js', '.mjs', '.json'];
/** The recipes that come with the package, seen from the compiled `dist/src/training/`. */
const ownRecipes = fileURLToPath(new URL('../../../recipes/', import.meta.url));

/** Names of the recipes that come with the package. */
export function recipeNames(): string[] {
  if (!existsSync(ownRecipes)) return [];
  return readdirSync(ownRecipes, { recursive: true, encoding: 'utf8' })
    .filter((file) => extensions.includes(extname(file)))
    .map((file) => file.slice(0, -extname(file).length).replaceAll('\\', '/'))
    .sort();
}

/**
 * Reads a recipe, without defaults: `resolveRecipe` completes it. A recipe without a name is named after its file.
 *
 * @param nameOrPath a recipe of the package such as `quickstart`, or a .ts, .js, .mjs or .json file whose default
 *   export (JSON: whose content) is the recipe. TypeScript needs no compiling, and `import … from 'hiperceiver'`
 *   finds this very library wherever the file lies.
 * @throws HiperceiverError where there is no such recipe, or loading it fails
 */
export async function loadRecipe(nameOrPath: string): Promise<RecipeFile> {
  const path = findRecipe(nameOrPath);
  const recipe = path.endsWith('.json') ? readJson(path) : await runModule(path);
  ensure(typeof recipe === 'object' && recipe !== null && !Array.isArray(recipe), () => {
    const way = path.endsWith('.json') ? 'be one JSON object' : 'export its recipe: export default defineRecipe({ … })';
    return `The recipe ${nameOrPath} must ${way}.`;
  });
  return { name: basename(path, extname(path)), ...recipe };
}

function findRecipe(nameOrPath: string): string {
  const extension = extname(nameOrPath);
  if (extensions.includes(extension)) {
    ensure(existsSync(nameOrPath), () => `There is no recipe file ${nameOrPath} (looked for ${resolve(nameOrPath)}).`);
    return resolve(nameOrPath);
  }
  // A name may have a folder in it, `paper/positions`; what leaves the recipes' own folder is a path without an ending.
  const isName = !/\\|\.\.|^\//.test(nameOrPath);
  ensure(isName, () => {
    return `A recipe is a ${extensions.join(', ')} file or a name such as ${recipeNames()[0] ?? 'quickstart'}, got ${nameOrPath}.`;
  });
  const found = extensions.map((ending) => `${ownRecipes}${nameOrPath}${ending}`).find(existsSync);
  if (found === undefined) throw unknownName('recipe', nameOrPath, recipeNames());
  return found;
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw failure(path, error);
  }
}

async function runModule(path: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  const cache = cacheFolder();
  const jiti = createJiti(import.meta.url, {
    alias: { hiperceiver: fileURLToPath(import.meta.resolve('hiperceiver')) },
    // Without a default export there is none; a changed file must be read anew. What is kept is found by its content.
    interopDefault: false,
    moduleCache: false,
    fsCache: cache !== undefined && join(cache, 'recipes'),
  });
  try {
    const loaded = await jiti.import<{ default?: unknown }>(path);
    return loaded.default;
  } catch (error) {
    throw failure(path, error);
  }
}

function failure(path: string, error: unknown): HiperceiverError {
  const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
  return new HiperceiverError(`The recipe ${path} cannot be loaded: ${reason.replace(/\.?$/, '.')}`, { cause: error });
}
