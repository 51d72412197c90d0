package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/klog/v2"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
)

// catalogue says which metrics exist: what discovery shows, and what tells an unknown metric from one without values.
type catalogue struct {
	prometheus *prometheus
	rules      *Rules

	lock sync.Mutex
	last map[string][]string
}

// The API server asks for discovery every few seconds and must not wait for a Prometheus that hangs.
const catalogueTimeout = 2 * time.Second

type kindOfSeries struct {
	resource   string
	namespaced bool
	selector   string
}

var kindsOfSeries = []kindOfSeries{
	{resource: "pods", namespaced: true, selector: `{namespace!="",pod!=""}`},
	{resource: "services", namespaced: true, selector: `{namespace!="",service!=""}`},
	{resource: "nodes", selector: `{node!="",namespace="",pod=""}`},
	{resource: "namespaces", selector: `{namespace!="",pod="",service="",node=""}`},
}

func (c *catalogue) custom() []provider.CustomMetricInfo {
	infos := []provider.CustomMetricInfo{}
	add := func(resource string, namespaced bool, metric string) {
		info := provider.CustomMetricInfo{GroupResource: schema.ParseGroupResource(resource), Namespaced: namespaced, Metric: metric}
		if !slices.Contains(infos, info) {
			infos = append(infos, info)
		}
	}
	for _, rule := range c.rules.Custom {
		if rule.Resource != "" {
			add(rule.Resource, rule.Resource != "nodes" && rule.Resource != "namespaces", rule.Name)
		}
	}
	for _, kind := range kindsOfSeries {
		for _, name := range c.names(kind.selector) {
			add(kind.resource, kind.namespaced, name)
		}
	}
	return infos
}

func (c *catalogue) external() []provider.ExternalMetricInfo {
	infos := []provider.ExternalMetricInfo{}
	for _, rule := range c.rules.External {
		infos = append(infos, provider.ExternalMetricInfo{Metric: rule.Name})
	}
	for _, name := range c.names(`{namespace!=""}`) {
		info := provider.ExternalMetricInfo{Metric: name}
		if !slices.Contains(infos, info) {
			infos = append(infos, info)
		}
	}
	return infos
}

// names keeps the last answer: discovery must not lose metrics while Prometheus is away.
func (c *catalogue) names(selector string) []string {
	ctx, cancel := context.WithTimeout(context.Background(), catalogueTimeout)
	defer cancel()
	names, err := c.prometheus.names(ctx, selector)
	c.lock.Lock()
	defer c.lock.Unlock()
	if err != nil {
		klog.ErrorS(err, "names of series can't be listed", "selector", selector)
		return c.last[selector]
	}
	if c.last == nil {
		c.last = map[string][]string{}
	}
	c.last[selector] = names
	return names
}

func (c *catalogue) hasSeries(ctx context.Context, info provider.CustomMetricInfo) (bool, error) {
	if c.rules.custom(info.Metric, info.GroupResource.String()) != nil {
		return true, nil
	}
	return c.exists(ctx, info.Metric)
}

func (c *catalogue) hasExternalSeries(ctx context.Context, info provider.ExternalMetricInfo) (bool, error) {
	if c.rules.external(info.Metric) != nil {
		return true, nil
	}
	return c.exists(ctx, info.Metric)
}

func (c *catalogue) exists(ctx context.Context, metric string) (bool, error) {
	names, err := c.prometheus.names(ctx, seriesSelector(metric, nil))
	if err != nil {
		klog.ErrorS(err, "names of series can't be listed", "metric", metric)
		return false, errUnavailable()
	}
	return len(names) > 0, nil
}
