/** Counts and times in the Prometheus text format (version 0.0.4). */

type Labels = Record<string, string | number>;

/** One metric: what it is, and its values by label. */
interface Family {
  help: string;
  type: 'counter' | 'gauge' | 'histogram';
  /** Lines without the metric's name: `_bucket{…}` or `{…}`. */
  lines(): Iterable<[suffix: string, labels: Labels, value: number]>;
}

/** A number that only grows, by labels. */
export interface Counter {
  add(labels: Labels, amount?: number): void;
}

/** A distribution, by labels. */
export interface Histogram {
  observe(labels: Labels, value: number): void;
}

/** The metrics of one server. */
export class Metrics {
  private readonly families = new Map<string, Family>();

  counter(name: string, help: string): Counter {
    const values = new Map<string, [Labels, number]>();
    this.families.set(name, {
      help,
      type: 'counter',
      *lines() {
        for (const [labels, value] of values.values()) yield ['', labels, value];
      },
    });
    return {
      add: (labels, amount = 1) => {
        const key = labelText(labels);
        values.set(key, [labels, (values.get(key)?.[1] ?? 0) + amount]);
      },
    };
  }

  /** A number that is asked for when the metrics are read. */
  gauge(name: string, help: string, read: () => number, labels: Labels = {}): void {
    this.families.set(name, {
      help,
      type: 'gauge',
      *lines() {
        yield ['', labels, read()];
      },
    });
  }

  /** @param bounds upper ends of the buckets, growing; a last one takes the rest */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const series = new Map<string, { labels: Labels; counts: number[]; sum: number; count: number }>();
    this.families.set(name, {
      help,
      type: 'histogram',
      *lines() {
        for (const { labels, counts, sum, count } of series.values()) {
          let below = 0;
          for (const [i, bound] of bounds.entries()) {
            below += counts[i];
            yield ['_bucket', { ...labels, le: bound }, below];
          }
          yield ['_bucket', { ...labels, le: '+Inf' }, count];
          yield ['_sum', labels, sum];
          yield ['_count', labels, count];
        }
      },
    });
    return {
      observe: (labels, value) => {
        const key = labelText(labels);
        const found = series.get(key) ?? { labels, counts: bounds.map(() => 0), sum: 0, count: 0 };
        series.set(key, found);
        const bucket = bounds.findIndex((bound) => value <= bound);
        if (bucket >= 0) found.counts[bucket]++;
        found.sum += value;
        found.count++;
      },
    };
  }

  /** All metrics as text. */
  text(): string {
    const out: string[] = [];
    for (const [name, { help, type, lines }] of this.families) {
      out.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
      for (const [suffix, labels, value] of lines()) out.push(`${name}${suffix}${labelText(labels)} ${value}`);
    }
    return `${out.join('\n')}\n`;
  }
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(
    ([name, value]) => `${name}="${String(value).replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))}"`,
  );
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}
