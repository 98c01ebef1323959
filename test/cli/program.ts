/** The real command line on small, real data: run in this process, or in one of its own. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import sharp from 'sharp';
import { commands } from '../../src/cli/commands.js';
import { main } from '../../src/cli/main.js';

const scratch = mkdtempSync(join(tmpdir(), 'hip-commands-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** A path in a folder that goes when the tests end. */
export const path = (...parts: string[]): string => join(scratch, ...parts);

/** Overrides that make the smallest of our variants smaller still: steps of milliseconds. */
export const small = [
  ...['--model.config.numGroups', '[4,1,4]', '--model.config.numSelfAttendsPerBlock', '[1,1,1]'],
  ...['--model.config.zIndexDim', '[4,8,4]', '--model.config.numZChannels', '[8,16,8]'],
  ...['--model.config.numSelfAttendHeads', '[2,2,2]', '--model.config.numEmbeddingChannels', '8'],
  ...['--training.threads', '1', '--batch-size', '4'],
];

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** Runs a command line in this process. */
export async function hip(...argv: string[]): Promise<Ended> {
  const written = { out: '', err: '' };
  const sink = (key: 'out' | 'err') => ({ write: (text: string) => void (written[key] += text) });
  const code = await main([...argv, '--quiet'], { stdout: sink('out'), stderr: sink('err'), commands, program: 'hip' });
  return { code, ...written };
}

/** Starts a command line in a process of its own; `interrupt` is sent when stderr matches `when`. */
export function hipProcess(argv: string[], when?: RegExp, interrupt: NodeJS.Signals = 'SIGINT'): Promise<Ended> {
  const script = new URL('../../src/cli/process.js', import.meta.url).href;
  const child = spawn(process.execPath, [
    '-e',
    `import(${JSON.stringify(script)}).then((m) => m.runProcess(process.argv.slice(1)))`,
    '--',
    ...argv,
  ]);
  const written = { out: '', err: '' };
  let sent = false;
  child.stdout.on('data', (data) => void (written.out += data));
  child.stderr.on('data', (data) => {
    written.err += data;
    if (!sent && when?.test(written.err)) sent = child.kill(interrupt);
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...written })));
}

/** Three classes of 12 x 12 pictures: discs, squares and stripes; `perClass` of each. */
export async function shapesFolder(name: string, perClass = 10): Promise<string> {
  const drawings: Record<string, (dx: number, dy: number, x: number) => boolean> = {
    disc: (dx, dy) => dx * dx + dy * dy <= 9,
    square: (dx, dy) => Math.max(Math.abs(dx), Math.abs(dy)) <= 3,
    stripes: (_dx, _dy, x) => x % 4 < 2,
  };
  const side = 12;
  for (const [shape, isInside] of Object.entries(drawings)) {
    mkdirSync(path(name, shape), { recursive: true });
    for (let i = 0; i < perClass; i++) {
      const pixels = Buffer.alloc(side * side * 3);
      for (let p = 0; p < side * side; p++) {
        const [y, x] = [Math.floor(p / side), p % side];
        const inside = isInside(x - 4 - (i % 4), y - 4 - (i % 3), x + i);
        pixels.set(inside ? [220, 180 + i, 60] : [40 + i, 30, 90], 3 * p);
      }
      const image = sharp(pixels, { raw: { width: side, height: side, channels: 3 } });
      await image.png().toFile(path(name, shape, `${i}.png`));
    }
  }
  return path(name);
}
