package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	apierr "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
)

// reading is the value of one object.
type reading struct {
	value float64
	time  time.Time
}

type request struct {
	namespace string
	names     []string
	info      provider.CustomMetricInfo
	// label holds an object's name: the singular of its resource.
	label    string
	selector labels.Selector
}

// read answers the value of each object that Prometheus knows, by name, and the window in seconds (nil: not known).
func (p *customProvider) read(ctx context.Context, r request) (map[string]reading, *int64, error) {
	if len(r.names) == 0 {
		return nil, nil, nil
	}
	matchers, err := r.matchers()
	if err != nil {
		return nil, nil, err
	}
	if rule := p.rules.custom(r.info.Metric, r.info.GroupResource.String()); rule != nil {
		readings, err := p.readRule(ctx, r, rule, matchers)
		return readings, rule.window(), err
	}
	readings, err := p.readSeries(ctx, r, matchers)
	return readings, nil, err
}

func (p *customProvider) readRule(ctx context.Context, r request, rule *Rule, matchers []string) (map[string]reading, error) {
	text, err := rule.expand(queryFacts{
		Metric:    r.info.Metric,
		Namespace: r.namespace,
		Resource:  r.label,
		Name:      oneOf(r.names),
		Selector:  strings.Join(matchers, ","),
	})
	if err != nil {
		return nil, apierr.NewInternalError(err)
	}
	values, err := p.prometheus.ask(ctx, text, time.Now())
	return r.byName(values), err
}

// readSeries asks two questions about one instant: an instant vector carries the time of its evaluation, not that of its samples.
func (p *customProvider) readSeries(ctx context.Context, r request, matchers []string) (map[string]reading, error) {
	now := time.Now()
	series := seriesSelector(r.info.Metric, matchers)
	values, err := p.prometheus.ask(ctx, fmt.Sprintf("sum by (%s) (%s)", r.label, series), now)
	if err != nil {
		return nil, err
	}
	times, err := p.prometheus.ask(ctx, fmt.Sprintf("min by (%s) (timestamp(%s))", r.label, series), now)
	if err != nil {
		return nil, err
	}
	readings := r.byName(values)
	for name, at := range r.byName(times) {
		if found, ok := readings[name]; ok {
			readings[name] = reading{value: found.value, time: unixTime(at.value)}
		}
	}
	return readings, nil
}

func (r request) byName(samples []sample) map[string]reading {
	readings := make(map[string]reading, len(samples))
	for _, each := range samples {
		readings[r.nameOf(each)] = reading{value: each.value, time: each.time}
	}
	return readings
}

func (r request) matchers() ([]string, error) {
	matchers := []string{matcher(r.label, "=~", oneOf(r.names))}
	if r.namespace != "" {
		matchers = append(matchers, matcher("namespace", "=", r.namespace))
	}
	if r.label == "namespace" {
		for _, label := range objectLabels {
			matchers = append(matchers, matcher(label, "=", ""))
		}
	}
	asked, err := matchersOf(r.selector)
	return append(matchers, asked...), err
}

// nameOf is the object that a sample describes. The query of a rule about one object need not keep its label.
func (r request) nameOf(value sample) string {
	name, labelled := value.labels[r.label]
	if !labelled && len(r.names) == 1 {
		return r.names[0]
	}
	return name
}
