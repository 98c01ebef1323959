/**
 * `npm run bench -- TABLE [options]`: installs and builds what is missing, then measures one table.
 * `npm run bench -- --list` names the tables.
 */
import { ensureBuilt, ensureInstalled, root } from './build.mjs';

ensureInstalled();
ensureBuilt(['src', 'test', 'recipes', 'examples', 'bench', 'scripts', 'tsconfig.json', 'package.json']);
await import(new URL('dist/bench/main.js', root).href);
