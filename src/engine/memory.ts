/** Memory: how much a program will need and how much there is. Node only. */
import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';

/** Bytes that this process can still take: what the system has left, or its control group allows. */
export function availableMemory(): number {
  const system = fieldOf('/proc/meminfo', /^MemAvailable:\s+(\d+) kB/m);
  const limits = [system === undefined ? freemem() : system * 1024, groupLimit(), groupLimitVersion1()];
  return Math.max(0, Math.min(...limits.filter((n) => n !== undefined)));
}

function groupLimit(): number | undefined {
  const limit = fieldOf('/sys/fs/cgroup/memory.max', /^(\d+)/);
  const used = fieldOf('/sys/fs/cgroup/memory.current', /^(\d+)/) ?? 0;
  const reclaimable = fieldOf('/sys/fs/cgroup/memory.stat', /^inactive_file (\d+)/m) ?? 0;
  return limit === undefined ? undefined : limit - used + reclaimable;
}

function groupLimitVersion1(): number | undefined {
  const limit = fieldOf('/sys/fs/cgroup/memory/memory.limit_in_bytes', /^(\d+)/);
  const used = fieldOf('/sys/fs/cgroup/memory/memory.usage_in_bytes', /^(\d+)/) ?? 0;
  const reclaimable = fieldOf('/sys/fs/cgroup/memory/memory.stat', /^total_inactive_file (\d+)/m) ?? 0;
  return limit === undefined ? undefined : limit - used + reclaimable;
}

function fieldOf(file: string, pattern: RegExp): number | undefined {
  try {
    const match = pattern.exec(readFileSync(file, 'utf8'));
    return match ? Number(match[1]) : undefined;
  } catch {
    return undefined;
  }
}
