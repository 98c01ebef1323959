import { ensure } from '../errors/index.js';
import { type Axis, makeAxis } from './axis.js';
import { categorical } from './color.js';
import { drawTitles, MARGIN } from './layout.js';
import { extent, type Point, smoothed, thinned } from './linePoints.js';
import { Figure, type Paint } from './svg.js';
import { textWidth } from './text.js';

/** One line of a chart. `x` and `y` have equal length; a `y` that is not finite breaks the line and is marked in magenta. */
export interface Series {
  name: string;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  color?: Paint;
  /** SVG dash pattern, such as `5 4`. */
  dash?: string;
  /** Share of the line that a moving average spans (0.02 is good for noisy losses); the raw values stay visible, pale. */
  smooth?: number;
}

/** A horizontal line with a name: chance, a published score. */
export interface Reference {
  value: number;
  label: string;
}

/** Lines, and the frame around them. */
export interface LineChartOptions {
  title?: string;
  subtitle?: string;
  xLabel?: string;
  yLabel?: string;
  series: readonly Series[];
  references?: readonly Reference[];
  logY?: boolean;
  /** Fixed ends of the y axis; default: what the data spans. */
  yRange?: readonly [number, number];
  width?: number;
  height?: number;
}

const GRID = { stroke: 'grid', strokeWidth: 1 } as const;

/** A line chart: named at the lines' ends where there is room (up to 6 series), else with a legend below the title. */
export function lineChart({
  title = '',
  subtitle = '',
  xLabel = '',
  yLabel = '',
  series,
  references = [],
  logY = false,
  yRange,
  width = 720,
  height = 400,
}: LineChartOptions): Figure {
  for (const { name, x, y } of series)
    ensure(
      x.length === y.length,
      () => `Series "${name}" has ${x.length} x and ${y.length} y values: pass one y for each x.`,
    );
  const colors = series.map((s, i) => s.color ?? categorical[i % categorical.length]);
  const dashes = series.map((s, i) => s.dash ?? (i < categorical.length ? undefined : '6 4'));
  const direct = series.length > 1 && series.length <= 6;
  const usable = (v: number): boolean => Number.isFinite(v) && (!logY || v > 0);

  const lines = series.map((s) => smoothed(s, usable));
  const shown = [...series.flatMap((s) => Array.from(s.y)), ...references.map((r) => r.value)].filter(usable);
  const [yLow, yHigh] = yRange ?? extent(shown);
  const y = makeAxis(yLow, yHigh, { ticks: Math.max(3, Math.round(height / 70)), log: logY });
  const [xLow, xHigh] = extent(series.flatMap((s) => Array.from(s.x)));
  const x = makeAxis(xLow, xHigh, { ticks: Math.max(3, Math.round(width / 100)), nice: false });

  const figure = new Figure(width, height, title || yLabel);
  let top = drawTitles(figure, title, subtitle);
  if (!direct && series.length > 1)
    top = drawLegend(
      figure,
      series.map((s) => s.name),
      colors,
      dashes,
      top,
    );
  if (yLabel) figure.text(yLabel, MARGIN, (top += 24), { size: 12, color: 'muted' });
  const left = MARGIN + Math.max(...y.ticks.map((t) => textWidth(y.label(t), 12))) + 8;
  const right =
    width - MARGIN - (direct ? Math.max(...series.map((s) => Math.min(150, textWidth(s.name, 12, 'bold')))) + 10 : 8);
  top += 16;
  const bottom = height - (xLabel ? 50 : 32);
  const px = (v: number): number => left + x.share(v) * (right - left);
  const py = (v: number): number => bottom - y.share(v) * (bottom - top);

  const frame: Frame = { left, right, top, bottom, px, py };
  drawAxes(figure, x, y, xLabel, frame);
  for (const { value, label } of references) drawReference(figure, label, py(value), left, right);
  lines.forEach(({ points }, i) => {
    const raw = series[i].smooth ? { strokeWidth: 1, opacity: 0.28 } : { strokeWidth: 2 };
    drawLine(figure, points, px, py, { stroke: colors[i], dash: dashes[i], ...raw });
  });
  lines.forEach(
    ({ average }, i) =>
      average && drawLine(figure, average, px, py, { stroke: colors[i], dash: dashes[i], strokeWidth: 2 }),
  );
  for (const { broken } of lines) for (const at of broken) drawCross(figure, px(at), bottom - 7);
  if (direct)
    drawEndLabels(
      figure,
      series.map((s) => s.name),
      colors,
      lines.map(({ points, average }) => (average ?? points).findLast((p) => p !== undefined)),
      frame,
      width - 12,
    );
  return figure;
}

type Scale = (value: number) => number;

/** Where the lines are drawn, and how values become pixels there. */
interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
  px: Scale;
  py: Scale;
}

function drawAxes(figure: Figure, x: Axis, y: Axis, xLabel: string, at: Frame): void {
  for (const tick of y.ticks) {
    figure.line(at.left, at.py(tick), at.right, at.py(tick), GRID);
    figure.text(y.label(tick), at.left - 8, at.py(tick), {
      size: 12,
      anchor: 'end',
      baseline: 'middle',
      color: 'muted',
    });
  }
  figure.line(at.left, at.bottom, at.right, at.bottom, { stroke: 'faint' });
  for (const tick of x.ticks) {
    figure.line(at.px(tick), at.bottom, at.px(tick), at.bottom + 4, { stroke: 'faint' });
    figure.text(x.label(tick), at.px(tick), at.bottom + 18, { size: 12, anchor: 'middle', color: 'muted' });
  }
  if (xLabel) figure.text(xLabel, at.right, at.bottom + 37, { size: 12, anchor: 'end', color: 'muted' });
}

function drawReference(figure: Figure, label: string, y: number, left: number, right: number): void {
  figure.line(left, y, right, y, { stroke: 'muted', strokeWidth: 1.25, dash: '4 4' });
  figure.text(label, right - 2, y - 6, { size: 11, color: 'muted', anchor: 'end' });
}

/** A line with gaps at `undefined`; a point alone between two gaps is a dot. */
function drawLine(
  figure: Figure,
  points: readonly (Point | undefined)[],
  px: Scale,
  py: Scale,
  style: { stroke: Paint; strokeWidth: number; opacity?: number; dash?: string },
): void {
  let run: Point[] = [];
  const flush = (): void => {
    if (run.length === 1)
      figure.circle(px(run[0][0]), py(run[0][1]), 2.5, { fill: style.stroke, opacity: style.opacity });
    else figure.polyline(thinned(run.map(([x, y]): Point => [px(x), py(y)])), style);
    run = [];
  };
  for (const point of points) {
    if (point) run.push(point);
    else flush();
  }
  flush();
}

function drawCross(figure: Figure, x: number, y: number): void {
  for (const slope of [-1, 1])
    figure.line(x - 3.5, y - 3.5 * slope, x + 3.5, y + 3.5 * slope, { stroke: '#ff00ff', strokeWidth: 1.75 });
}

/** Names at the lines' last points, between the frame and the figure's `edge`, moved apart where they would overlap. */
function drawEndLabels(
  figure: Figure,
  names: readonly string[],
  colors: readonly Paint[],
  ends: readonly (Point | undefined)[],
  { right, top, bottom, px, py }: Frame,
  edge: number,
): void {
  const gap = 16;
  const labels = names
    .map((name, i) => ({ name, color: colors[i], end: ends[i] }))
    .filter((label): label is { name: string; color: Paint; end: Point } => label.end !== undefined)
    .map((label) => ({ ...label, y: py(label.end[1]) }))
    .sort((a, b) => a.y - b.y);
  for (let i = 1; i < labels.length; i++) labels[i].y = Math.max(labels[i].y, labels[i - 1].y + gap);
  for (let i = labels.length - 1, limit = bottom; i >= 0; i--, limit -= gap)
    labels[i].y = Math.max(top, Math.min(labels[i].y, limit));
  for (const { name, color, end, y } of labels) {
    figure.circle(px(end[0]), py(end[1]), 3, { fill: color });
    figure.text(name, right + 10, y, {
      size: 12,
      weight: 'bold',
      color,
      baseline: 'middle',
      maxWidth: edge - right - 10,
    });
  }
}

/** Swatch and name of every series in rows below the title; the y below them. */
function drawLegend(
  figure: Figure,
  names: readonly string[],
  colors: readonly Paint[],
  dashes: readonly (string | undefined)[],
  top: number,
): number {
  let [x, y] = [MARGIN, top + 20];
  names.forEach((name, i) => {
    const width = 24 + Math.min(220, textWidth(name, 12));
    if (x > MARGIN && x + width > figure.width - MARGIN) [x, y] = [MARGIN, y + 18];
    figure.line(x, y, x + 16, y, { stroke: colors[i], strokeWidth: 2.5, dash: dashes[i] });
    figure.text(name, x + 22, y, { size: 12, baseline: 'middle', maxWidth: 220 });
    x += width + 18;
  });
  return y + 4;
}
