import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { HiperceiverError, loadRecipe, recipeNames, resolveRecipe } from '../../src/index.js';

const folder = mkdtempSync(join(tmpdir(), 'recipe-'));
after(() => rmSync(folder, { recursive: true }));

/** Writes a recipe outside of the package, where no node_modules is near. */
function recipeFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test('a TypeScript recipe anywhere imports the library by its name', async () => {
  const path = recipeFile(
    'flowers.ts',
    `import { defineRecipe, type Recipe, HiperceiverError } from 'hiperceiver';
     import { size } from './size.ts';
     const steps: Recipe['training']['steps'] = 12;
     export const error = HiperceiverError;
     export default defineRecipe({ name: 'flowers', data: { imageSize: size }, training: { steps } });`,
  );
  recipeFile('size.ts', 'export const size: number = 48;');
  const recipe = await loadRecipe(path);
  assert.deepEqual(recipe, { name: 'flowers', data: { imageSize: 48 }, training: { steps: 12 } });
  assert.equal(resolveRecipe(recipe, { 'training.steps': '3' }).training.steps, 3);
});

test('a recipe gets the running library, not a second copy of it', async () => {
  const path = recipeFile(
    'same.ts',
    `import { HiperceiverError } from 'hiperceiver';
     export default { name: 'same', library: HiperceiverError };`,
  );
  const recipe: object = await loadRecipe(path);
  assert.equal((recipe as { library: unknown }).library, HiperceiverError);
});

test('JavaScript and JSON recipes are read too, and named after their files', async () => {
  const script = recipeFile('one.mjs', 'export default { training: { steps: 1 } };');
  assert.deepEqual(await loadRecipe(script), { name: 'one', training: { steps: 1 } });
  const json = recipeFile('two.json', '{"training":{"steps":2}}');
  assert.deepEqual(await loadRecipe(json), { name: 'two', training: { steps: 2 } });
});

test('a recipe that was edited is read anew', async () => {
  const path = recipeFile('edited.ts', "export default { name: 'before' };");
  assert.equal((await loadRecipe(path)).name, 'before');
  recipeFile('edited.ts', "export default { name: 'after' };");
  assert.equal((await loadRecipe(path)).name, 'after');
});

test('what cannot be loaded is refused in one sentence that names it', async () => {
  const refused = async (nameOrPath: string, expected: RegExp) => {
    await assert.rejects(loadRecipe(nameOrPath), (error: Error) => {
      assert.ok(error instanceof HiperceiverError, String(error.stack));
      assert.match(error.message, expected);
      assert.ok(!error.message.includes('\n'), error.message);
      return true;
    });
  };
  await refused(join(folder, 'none.ts'), /There is no recipe file .*none\.ts/);
  await refused(recipeFile('broken.ts', 'export default {'), /broken\.ts cannot be loaded/);
  await refused(recipeFile('throws.ts', "throw new Error('no luck');"), /throws\.ts cannot be loaded: no luck\./);
  await refused(recipeFile('nothing.ts', 'export const a = 1;'), /nothing\.ts must export its recipe/);
  await refused(recipeFile('list.json', '[1]'), /list\.json must be one JSON object/);
  await refused(recipeFile('broken.json', '{'), /broken\.json cannot be loaded/);
  await refused(join(folder, 'recipe.yaml'), /A recipe is a \.ts/);
  await refused('no-such-recipe-at-all', /Unknown recipe "no-such-recipe-at-all"/);
});

test('every recipe of the package is found by its name and is valid', async () => {
  for (const name of recipeNames()) assert.ok(resolveRecipe(await loadRecipe(name)).name, name);
});
