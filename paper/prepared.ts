/** Data sets that are made small once, so that no row of a table waits for their decoder. */
import { main } from '../src/cli/main.js';
import { ensure } from '../src/errors/index.js';

/** A call of `hip prepare`. */
export interface Prepared {
  data: string;
  /** Folder of the shards: the data set of the rows. */
  out: string;
  /** Options by flag, without the dashes. */
  options: Record<string, string>;
}

function argumentsOf({ data, out, options }: Prepared): string[] {
  const typed = Object.entries(options).flatMap(([key, value]) => [`--${key}`, value]);
  return ['prepare', data, out, '--split', 'train,test', ...typed];
}

/** What one types to make the shards. */
export function prepareLine(prepared: Prepared): string {
  return ['./hip', ...argumentsOf(prepared)].join(' ');
}

/** Makes the shards, unless they are there. */
export async function prepare(prepared: Prepared): Promise<void> {
  let said = '';
  const sink = { write: (text: string) => void (said += text) };
  const code = await main([...argumentsOf(prepared), '--quiet'], { stdout: sink, stderr: sink });
  ensure(code === 0, () => `${prepareLine(prepared)} failed: ${said.trim()}`);
}
