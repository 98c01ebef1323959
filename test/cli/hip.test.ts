import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'hip-'));
after(() => rmSync(folder, { recursive: true }));

/** A package folder with the launcher in it; `files` are added by path. */
function packageWith(name: string, files: Record<string, string>): string {
  const home = join(folder, name);
  for (const [path, text] of Object.entries(files)) write(join(home, path), text);
  cpSync(join(root, 'hip'), join(home, 'hip'));
  cpSync(join(root, 'scripts/hip.mjs'), join(home, 'scripts/hip.mjs'));
  cpSync(join(root, 'scripts/build.mjs'), join(home, 'scripts/build.mjs'));
  return home;
}

function write(path: string, text: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
}

function run(program: string, argv: string[], cwd: string) {
  const { status, stdout, stderr } = spawnSync(program, argv, { cwd, encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('an installed package just runs, from any folder and through a symbolic link', () => {
  const home = packageWith('installed', { 'package.json': '{"type":"module","version":"0.0.0"}' });
  symlinkSync(join(root, 'dist'), join(home, 'dist'));
  const elsewhere = join(folder, 'elsewhere');
  mkdirSync(elsewhere);
  symlinkSync(join(home, 'hip'), join(elsewhere, 'linked'));
  const { status, stdout } = run(join(elsewhere, 'linked'), ['--help'], elsewhere);
  assert.equal(status, 0);
  assert.match(stdout, /Usage\n {2}hip COMMAND/);
  assert.equal(run('./hip', ['no-such-command'], home).status, 2);
});

test('a clone is built when it is stale, and only then', () => {
  const source = 'export async function runProcess(argv: string[]) { console.log("one", argv[0], process.cwd()); }';
  const home = packageWith('clone', {
    'package.json': '{"type":"module"}',
    'tsconfig.json':
      '{"compilerOptions":{"outDir":"dist","rootDir":".","module":"NodeNext","types":["node"]},"include":["src"]}',
    'src/cli/process.ts': source,
  });
  symlinkSync(join(root, 'node_modules'), join(home, 'node_modules'));

  const first = run('./hip', ['a'], home);
  assert.equal(first.stdout, `one a ${home}\n`);
  assert.match(first.stderr, /Building/);
  assert.deepEqual(run(join(home, 'hip'), ['b'], folder), { status: 0, stdout: `one b ${folder}\n`, stderr: '' });

  writeFileSync(join(home, 'src/cli/process.ts'), source.replace('one', 'two'));
  const later = new Date(Date.now() + 2000);
  utimesSync(join(home, 'src/cli/process.ts'), later, later);
  assert.match(run('./hip', ['c'], home).stdout, /^two c/);

  writeFileSync(join(home, 'src/cli/process.ts'), `${source}\nconst wrong: number = 'text';`);
  utimesSync(join(home, 'src/cli/process.ts'), later, later);
  const broken = run('./hip', ['d'], home);
  assert.equal(broken.status, 1);
  assert.equal(broken.stdout, '');
  assert.match(broken.stderr, /process\.ts.*TS2322[\s\S]*error: the build failed/);
});

/** Arguments for Node that run a command line whose only command does what `body` says. */
function commandDoing(body: string): string[] {
  const at = (name: string) => new URL(`../../src/cli/${name}.js`, import.meta.url).href;
  const script = `
    import { commands } from '${at('commands')}';
    import { runProcess } from '${at('process')}';
    const run = () => new Promise((done) => { ${body} });
    const command = { name: 'act', summary: '', usage: '', options: {}, examples: [], run };
    commands.act = { summary: '', load: async () => ({ command }) };
    await runProcess(['act']);`;
  return ['--input-type=module', '-e', script];
}

test('Ctrl-C ends with 130 where a command does not listen; one that listens decides itself', async () => {
  const codeAfterInterrupt = async (body: string) => {
    const child = spawn(process.execPath, commandDoing(body), { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.once('data', () => child.kill('SIGINT'));
    return await new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  };
  const wait = "setInterval(() => {}, 1000); process.stdout.write('ready');";
  assert.equal(await codeAfterInterrupt(wait), 130);
  assert.equal(await codeAfterInterrupt(`process.on('SIGINT', () => done(7)); ${wait}`), 7);
});

test('an error outside of the command is one sentence too', () => {
  const { status, stderr } = run(
    process.execPath,
    commandDoing("setTimeout(() => { throw new Error('lost'); });"),
    root,
  );
  assert.equal(status, 1);
  assert.equal(stderr, 'error: Unexpected: lost. Run again with --debug to see where.\n');
});

test('a reader that has seen enough is no error', () => {
  const child = commandDoing(
    "for (let i = 0; i < 1e5; i++) process.stdout.write('line\\n'); setTimeout(done, 100, 0);",
  );
  const quoted = [process.execPath, ...child].map((part) => `'${part.replaceAll("'", `'\\''`)}'`).join(' ');
  const { stdout, stderr } = run('sh', ['-c', `{ ${quoted}; echo "code $?" >&2; } | head -n 1`], root);
  assert.equal(stdout, 'line\n');
  assert.equal(stderr, 'code 0\n');
});
