/**
 * `./hip COMMAND`: installs and builds when that is needed, then runs the command line in this same process.
 * In an installed package there is nothing to build and it just runs.
 */
import { ensureBuilt, ensureInstalled, isSourceTree, root } from './build.mjs';

if (isSourceTree()) {
  ensureInstalled();
  ensureBuilt(['src', 'recipes', 'tsconfig.json', 'package.json']);
}
const { runProcess } = await import(new URL('dist/src/cli/process.js', root).href);
await runProcess(process.argv.slice(2));
