/**
 * `npm run paper -- TABLE [options]`: installs and builds what is missing, then makes one table of results.
 */
import { ensureBuilt, ensureInstalled, root } from './build.mjs';

ensureInstalled();
ensureBuilt(['src', 'test', 'recipes', 'examples', 'bench', 'paper', 'scripts', 'tsconfig.json', 'package.json']);
await import(new URL('dist/paper/main.js', root).href);
