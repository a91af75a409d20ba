package page

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/measure"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/peers"
)

// Colours of a middle lightness, on no background: readable on white and on black.
var (
	ink     = color.NRGBA{0x72, 0x7b, 0x85, 0xff}
	faint   = color.NRGBA{0x72, 0x7b, 0x85, 0x40}
	ours    = color.NRGBA{0x2d, 0x9a, 0x4b, 0xff}
	theirs  = color.NRGBA{0x3f, 0x83, 0xd6, 0xff}
	allPale = uint8(0x80)
)

// WriteChart writes the time of a call of each peer as an SVG, on a logarithmic scale.
func (p *Page) WriteChart(w io.Writer) error {
	sorted := slices.SortedFunc(slices.Values(p.Peers), func(a, b Peer) int { // the fastest on top
		if a.Serial.Nanos() > b.Serial.Nanos() {
			return -1
		}
		return 1
	})
	chart := plot.New()
	chart.BackgroundColor = nil
	chart.Title.Text = fmt.Sprintf("Time of a call with one goroutine and, paler, with %d; logarithmic", p.Machine.Cores)
	chart.Title.Padding = vg.Points(8)
	for _, style := range []*draw.TextStyle{&chart.Title.TextStyle, &chart.X.Tick.Label, &chart.Y.Tick.Label} {
		style.Color = ink
		style.Font = font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, 11)
	}
	chart.X.Scale = plot.LogScale{}
	names := make([]string, len(sorted))
	low, high := math.Inf(1), 0.0
	for i, peer := range sorted {
		names[i] = peer.Name
		for _, ns := range []float64{peer.Serial.Nanos(), peer.Parallel.Nanos()} {
			low, high = min(low, ns), max(high, ns)
		}
	}
	chart.NominalY(names...)
	chart.X.Min = math.Pow(10, math.Floor(math.Log10(low)))
	chart.X.Max = 60 * high // room for what is written behind the bars
	chart.X.LineStyle.Width, chart.X.Tick.Length = 0, 0
	chart.Y.Min, chart.Y.Max = -0.5, float64(len(sorted))-0.5
	var ticks plot.ConstantTicks
	for at := chart.X.Min; at < 3*high; at *= 10 {
		ticks = append(ticks, plot.Tick{Value: at, Label: tick(at)})
	}
	chart.X.Tick.Marker = ticks
	chart.Add(&bars{sorted, p.library(), chart.X.Tick.Label})

	width, height := vg.Points(640), vg.Points(60+34*float64(len(sorted)))
	canvas := vgsvg.New(width, height)
	chart.Draw(draw.Crop(draw.New(canvas), vg.Points(8), -vg.Points(4), vg.Points(4), -vg.Points(4)))
	var buf bytes.Buffer
	if _, err := canvas.WriteTo(&buf); err != nil {
		return err
	}
	// Who does not have the font has one of the same measures.
	svg := strings.ReplaceAll(buf.String(), "font-family:Liberation Sans", "font-family:Liberation Sans,Arial,Helvetica,sans-serif")
	_, err := io.WriteString(w, svg)
	return err
}

// tick writes a power of ten of nanoseconds.
func tick(ns float64) string {
	unit := "ns"
	for _, next := range []string{"µs", "ms", "s"} {
		if ns < 999.5 {
			break
		}
		ns, unit = ns/1000, next
	}
	return fmt.Sprintf("%.0f %s", ns, unit)
}

// bars are two for each peer, from the left edge, and behind them the time and the ratio.
type bars struct {
	peers   []Peer
	library *Peer
	label   draw.TextStyle
}

// Plot implements [plot.Plotter].
func (b *bars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, tick := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		at := x(tick.Value)
		c.StrokeLine2(draw.LineStyle{Color: faint, Width: vg.Points(0.5)}, at, c.Min.Y, at, c.Max.Y)
	}
	thick := vg.Points(9)
	for i, peer := range b.peers {
		fill := theirs
		if peer.Name == peers.Library {
			fill = ours
		}
		pale := fill
		pale.A = allPale
		middle := y(float64(i))
		b.bar(c, fill, c.Min.X, middle, x(peer.Serial.Nanos()), middle+thick)
		b.bar(c, pale, c.Min.X, middle-thick, x(peer.Parallel.Nanos()), middle)
		text := took(peer.Serial.Nanos())
		if b.library != nil && peer.Name != peers.Library {
			text += ", " + times(measure.Median(measure.Ratios(peer.Serial, b.library.Serial)))
		}
		style := b.label
		style.XAlign, style.YAlign = draw.XLeft, draw.YCenter
		c.FillText(style, vg.Point{X: max(x(peer.Serial.Nanos()), x(peer.Parallel.Nanos())) + vg.Points(5), Y: middle}, text)
	}
}

func (b *bars) bar(c draw.Canvas, fill color.Color, left, bottom, right, top vg.Length) {
	c.FillPolygon(fill, []vg.Point{{X: left, Y: bottom}, {X: right, Y: bottom}, {X: right, Y: top}, {X: left, Y: top}})
}
