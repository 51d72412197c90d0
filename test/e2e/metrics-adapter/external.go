package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	apierr "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/metrics/pkg/apis/external_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
)

type externalProvider struct {
	prometheus *prometheus
	rules      *Rules
	catalogue  *catalogue
}

var _ provider.ExternalMetricsProvider = &externalProvider{}

var externalResource = schema.GroupResource{Group: external_metrics.GroupName, Resource: "externalmetrics"}

func (p *externalProvider) ListAllExternalMetrics() []provider.ExternalMetricInfo {
	return p.catalogue.external()
}

func (p *externalProvider) GetExternalMetric(ctx context.Context, namespace string, metricSelector labels.Selector, info provider.ExternalMetricInfo) (*external_metrics.ExternalMetricValueList, error) {
	asked, err := matchersOf(metricSelector)
	if err != nil {
		return nil, err
	}
	matchers := append([]string{matcher("namespace", "=", namespace)}, asked...)
	values, window, err := p.read(ctx, namespace, info.Metric, matchers)
	if err != nil {
		return nil, err
	}
	list := &external_metrics.ExternalMetricValueList{Items: []external_metrics.ExternalMetricValue{}}
	for _, value := range values {
		amount, ok := quantity(value.value)
		if !ok {
			continue
		}
		list.Items = append(list.Items, external_metrics.ExternalMetricValue{
			MetricName:    info.Metric,
			MetricLabels:  p.metricLabels(value.labels),
			Timestamp:     metav1.NewTime(value.time),
			WindowSeconds: window,
			Value:         amount,
		})
	}
	slices.SortFunc(list.Items, func(a, b external_metrics.ExternalMetricValue) int {
		return strings.Compare(labels.Set(a.MetricLabels).String(), labels.Set(b.MetricLabels).String())
	})
	if len(list.Items) == 0 {
		if known, err := p.catalogue.hasExternalSeries(ctx, info); err != nil {
			return nil, err
		} else if !known {
			return nil, provider.NewMetricNotFoundError(externalResource, info.Metric)
		}
	}
	return list, nil
}

func (p *externalProvider) read(ctx context.Context, namespace, metric string, matchers []string) ([]sample, *int64, error) {
	now := time.Now()
	if rule := p.rules.external(metric); rule != nil {
		text, err := rule.expand(queryFacts{Metric: metric, Namespace: namespace, Selector: strings.Join(matchers, ",")})
		if err != nil {
			return nil, nil, apierr.NewInternalError(err)
		}
		values, err := p.prometheus.ask(ctx, text, now)
		return values, rule.window(), err
	}
	series := seriesSelector(metric, matchers)
	values, err := p.prometheus.ask(ctx, series, now)
	if err != nil {
		return nil, nil, err
	}
	times, err := p.prometheus.ask(ctx, fmt.Sprintf("timestamp(%s)", series), now)
	if err != nil {
		return nil, nil, err
	}
	sampled := make(map[string]time.Time, len(times))
	for _, at := range times {
		sampled[p.identity(at)] = unixTime(at.value)
	}
	for i, value := range values {
		if at, ok := sampled[p.identity(value)]; ok {
			values[i].time = at
		}
	}
	return values, nil, nil
}

// identity tells series of one metric apart; timestamp() drops the name.
func (p *externalProvider) identity(value sample) string {
	all := labels.Set{}
	for name, text := range value.labels {
		if name != "__name__" {
			all[name] = text
		}
	}
	return all.String()
}

func (p *externalProvider) metricLabels(all map[string]string) map[string]string {
	kept := map[string]string{}
	for name, value := range all {
		if name != "__name__" && name != "namespace" && !slices.Contains(p.rules.IgnoreLabels, name) {
			kept[name] = value
		}
	}
	return kept
}
