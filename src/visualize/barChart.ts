import { formatNumber, makeAxis } from './axis.js';
import { categorical } from './color.js';
import { drawTitles, MARGIN, titlesHeight } from './layout.js';
import type { Reference } from './lineChart.js';
import { Figure, type Paint } from './svg.js';
import { textWidth } from './text.js';

/** One bar; `note` is printed after the value. */
export interface Bar {
  name: string;
  value: number;
  color?: Paint;
  note?: string;
}

/** Bars, and what they are compared with. */
export interface BarChartOptions {
  title?: string;
  subtitle?: string;
  bars: readonly Bar[];
  references?: readonly Reference[];
  /** Right end of the axis; default: the largest value. */
  max?: number;
  /** How values are printed; default three significant digits. */
  format?: (value: number) => string;
  width?: number;
}

/** Horizontal bars from 0, names at the left, values at the bars' ends; bars may be negative. */
export function barChart({
  title = '',
  subtitle = '',
  bars,
  references = [],
  max,
  format = formatNumber,
  width = 720,
}: BarChartOptions): Figure {
  const rowHeight = 34;
  const nameWidth = Math.min(width * 0.35, Math.max(0, ...bars.map((b) => textWidth(b.name, 13))));
  const top = titlesHeight(width, title, subtitle) + (references.length > 0 ? 32 : 12);
  const figure = new Figure(width, top + bars.length * rowHeight + 16, title);
  drawTitles(figure, title, subtitle);

  const finite = [...bars.map((b) => b.value), ...references.map((r) => r.value)].filter(Number.isFinite);
  const axis = makeAxis(Math.min(0, ...finite), max ?? Math.max(1e-9, 0, ...finite), { nice: false });
  const left = MARGIN + nameWidth + 14;
  const right = width - MARGIN - Math.max(0, ...bars.map((b) => textWidth(valueText(b, format), 12, 'bold'))) - 8;
  const px = (v: number): number => left + Math.min(1, Math.max(0, axis.share(v))) * (right - left);
  const bottom = top + bars.length * rowHeight;

  bars.forEach((bar, i) => {
    const y = top + i * rowHeight;
    const middle = y + rowHeight / 2;
    const finiteBar = Number.isFinite(bar.value);
    figure.text(bar.name, left - 14, middle, { size: 13, anchor: 'end', baseline: 'middle', maxWidth: nameWidth });
    const [from, to] = [px(0), finiteBar ? px(bar.value) : px(0)];
    figure.rect(left, y + 7, right - left, rowHeight - 14, { fill: 'grid', opacity: 0.45, radius: 3 });
    figure.rect(Math.min(from, to), y + 7, Math.abs(to - from), rowHeight - 14, {
      fill: bar.color ?? categorical[0],
      radius: Math.min(3, Math.abs(to - from) / 2),
    });
    figure.text(valueText(bar, format), right + 8, middle, {
      size: 12,
      weight: 'bold',
      baseline: 'middle',
      color: finiteBar ? 'ink' : '#ff00ff',
    });
  });
  for (const { value, label } of references) {
    figure.line(px(value), top - 2, px(value), bottom + 2, { stroke: 'ink', strokeWidth: 1.25, dash: '4 3' });
    figure.text(`${label} ${format(value)}`, Math.max(px(value), left + textWidth(label, 11) / 2), top - 8, {
      size: 11,
      anchor: 'middle',
      color: 'muted',
    });
  }
  return figure;
}

function valueText({ value, note }: Bar, format: (value: number) => string): string {
  return note ? `${format(value)}  ${note}` : format(value);
}
