/** Memory of a process, from Linux's own account. */
import { readFileSync } from 'node:fs';

/**
 * The most memory that this process ever held, in bytes. `VmHWM` counts from the program's start; the maximum that
 * `getrusage` tells would include the parent's size at the moment of the fork.
 */
export function peakBytes(): number {
  return statusBytes('self', 'VmHWM') ?? process.resourceUsage().maxRSS * 1024;
}

/** What a process holds now, in bytes; undefined where it has ended or the system does not tell. */
export function residentBytes(pid: number | 'self' = 'self'): number | undefined {
  return statusBytes(pid, 'VmRSS') ?? (pid === 'self' ? process.memoryUsage.rss() : undefined);
}

function statusBytes(pid: number | 'self', field: 'VmHWM' | 'VmRSS'): number | undefined {
  try {
    const match = new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match ? 1024 * Number(match[1]) : undefined;
  } catch {
    return undefined;
  }
}
