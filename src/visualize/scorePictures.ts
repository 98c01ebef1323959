/** Pictures of a classifier's score and of a run's log. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensure, unknownName } from '../errors/index.js';
import type { ClassificationScore } from '../tasks/index.js';
import { readMetrics } from '../training/index.js';
import { confusionFigure } from './confusion.js';
import { type LineChartOptions, lineChart, type Series } from './lineChart.js';
import type { Figure } from './svg.js';

/** The confusion matrix of a score. */
export function confusionPicture({ confusion, classes }: ClassificationScore, title: string): Figure {
  return confusionFigure({ counts: confusion, classNames: classes, title });
}

/** One metric of several runs over their steps; a run is the folder that holds `metrics.jsonl`. */
export async function curvesPicture(
  runs: Record<string, string>,
  metric: string,
  options: Omit<LineChartOptions, 'series'> = {},
): Promise<Figure> {
  const series: Series[] = [];
  const logged = new Set<string>();
  for (const [name, folder] of Object.entries(runs)) {
    const path = join(folder, 'metrics.jsonl');
    ensure(existsSync(path), () => `${folder} holds no metrics.jsonl: name the folder of a run.`);
    const records = await readMetrics(path);
    for (const name of records.flatMap(Object.keys)) if (name !== 'step' && name !== 'wallTime') logged.add(name);
    const points = records.filter((record) => typeof record[metric] === 'number');
    if (points.length > 0)
      series.push({ name, x: points.map((r) => r.step), y: points.map((r) => r[metric] as number), smooth: 0.05 });
  }
  ensure(logged.size > 0, () => `${Object.values(runs).join(', ')} logged nothing yet: wait for its first steps.`);
  if (series.length === 0) throw unknownName(`metric of ${Object.values(runs).join(', ')}`, metric, logged);
  return lineChart({ xLabel: 'step', yLabel: metric, ...options, series });
}
