import type { Watch } from '../tasks/index.js';
import { Progress } from '../training/log/index.js';

/** Work that ends within a second needs no bar. */
const PATIENCE_MS = 1000;

/** A watch that draws a bar for each task in turn, on stderr. */
export function progressWatch(quiet: boolean): Watch {
  let current: { task: string; began: number; bar?: Progress } | undefined;
  return (task, done, total) => {
    if (current?.task !== task) current = { task, began: performance.now() };
    const waited = performance.now() - current.began;
    if (!current.bar && waited > PATIENCE_MS && done < total)
      current.bar = new Progress({ total, start: done, label: task, quiet });
    current.bar?.update(done);
    if (done >= total) {
      current.bar?.finish();
      current = undefined;
    }
  };
}
