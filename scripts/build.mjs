/**
 * Installing and building only when needed. Plain JavaScript, because it runs before anything has been compiled.
 * All output goes to stderr: stdout belongs to the command that runs afterwards.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** URL of the package's folder, with a trailing slash; symbolic links to `hip` are already resolved by Node. */
export const root = new URL('../', import.meta.url);

/** File system path of `name` inside the package. */
const at = (name) => fileURLToPath(new URL(name, root));

/** Whether this is a clone, to be compiled, rather than an installed package that ships its `dist`. */
export const isSourceTree = () => existsSync(at('tsconfig.json')) && existsSync(at('src'));

/** Runs `npm ci` when a dependency is missing from `node_modules`; exits the process when that fails. */
export function ensureInstalled() {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
  const missing = Object.keys({ ...dependencies, ...devDependencies }).filter(
    (name) => !existsSync(at(`node_modules/${name}/package.json`)),
  );
  if (missing.length === 0) return;
  console.error(`Installing the dependencies (npm ci): ${missing.length} missing.`);
  if (run('npm', ['ci'], process.platform === 'win32') === 0) return;
  fail('npm ci failed; see its message above. The network is needed once, for the first installation.');
}

/**
 * Compiles when anything under `inputs` (files or folders of the package) is newer than the last successful build.
 * Exits the process when compiling fails, after the compiler has printed why.
 */
export function ensureBuilt(inputs) {
  const stamp = at('dist/.build-stamp');
  const built = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const complete = existsSync(at('dist/src/cli/process.js'));
  if (complete && !inputs.some((name) => newerThan(at(name), built))) return;

  console.error('Building…');
  // The compiler's incremental record would otherwise claim that removed output is still there.
  if (!complete) rmSync(at('dist/.tsbuildinfo'), { force: true });
  const started = new Date();
  if (run(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', at('tsconfig.json')]) !== 0) {
    fail('the build failed; the errors above say where.');
  }
  mkdirSync(at('dist'), { recursive: true });
  writeFileSync(stamp, '');
  // Files saved while the compiler ran must count as newer than this build.
  utimesSync(stamp, started, started);
}

/** Whether a file, or anything in a folder, changed after `time` (ms); a folder's own time shows removed files. */
function newerThan(path, time) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return false;
  if (stat.mtimeMs > time) return true;
  return stat.isDirectory() && readdirSync(path).some((name) => newerThan(`${path}/${name}`, time));
}

/** Runs a program in the package's folder with its output on stderr; its exit status. */
function run(program, args, shell = false) {
  return spawnSync(program, args, { cwd: fileURLToPath(root), stdio: ['ignore', 2, 2], shell }).status;
}

function fail(sentence) {
  console.error(`error: ${sentence}`);
  process.exit(1);
}
