package main

import (
	"context"
	"fmt"
	"slices"

	apierr "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/klog/v2"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider/helpers"
)

type customProvider struct {
	prometheus *prometheus
	rules      *Rules
	catalogue  *catalogue
	client     dynamic.Interface
	mapper     apimeta.RESTMapper
}

var _ provider.CustomMetricsProvider = &customProvider{}

func (p *customProvider) ListAllMetrics() []provider.CustomMetricInfo {
	return p.catalogue.custom()
}

func (p *customProvider) GetMetricByName(ctx context.Context, name types.NamespacedName, info provider.CustomMetricInfo, metricSelector labels.Selector) (*custom_metrics.MetricValue, error) {
	info, label, err := info.Normalized(p.mapper)
	if err != nil {
		return nil, err
	}
	readings, window, err := p.read(ctx, request{namespace: name.Namespace, names: []string{name.Name}, info: info, label: label, selector: metricSelector})
	if err != nil {
		return nil, err
	}
	if found, ok := readings[name.Name]; ok {
		value, err := p.metricValue(name, info, metricSelector, found, window)
		if value != nil || err != nil {
			return value, err
		}
	}
	if metricSelector.Empty() {
		return nil, provider.NewMetricNotFoundForError(info.GroupResource, info.Metric, name.Name)
	}
	return nil, provider.NewMetricNotFoundForSelectorError(info.GroupResource, info.Metric, name.Name, metricSelector)
}

func (p *customProvider) GetMetricBySelector(ctx context.Context, namespace string, selector labels.Selector, info provider.CustomMetricInfo, metricSelector labels.Selector) (*custom_metrics.MetricValueList, error) {
	info, label, err := info.Normalized(p.mapper)
	if err != nil {
		return nil, err
	}
	names, err := helpers.ListObjectNames(p.mapper, p.client, namespace, selector, info)
	if err != nil {
		klog.ErrorS(err, "objects can't be listed", "resource", info.GroupResource)
		return nil, apierr.NewInternalError(fmt.Errorf("unable to list matching resources"))
	}
	slices.Sort(names)
	readings, window, err := p.read(ctx, request{namespace: namespace, names: names, info: info, label: label, selector: metricSelector})
	if err != nil {
		return nil, err
	}
	list := &custom_metrics.MetricValueList{Items: []custom_metrics.MetricValue{}}
	for _, name := range names {
		found, ok := readings[name]
		if !ok {
			continue
		}
		value, err := p.metricValue(types.NamespacedName{Namespace: namespace, Name: name}, info, metricSelector, found, window)
		if err != nil {
			return nil, err
		}
		if value != nil {
			list.Items = append(list.Items, *value)
		}
	}
	// A metric that exists but not for these objects is an empty list; one that doesn't is an error, as in prometheus-adapter.
	if len(list.Items) == 0 {
		if known, err := p.catalogue.hasSeries(ctx, info); err != nil {
			return nil, err
		} else if !known {
			return nil, provider.NewMetricNotFoundError(info.GroupResource, info.Metric)
		}
	}
	return list, nil
}

// metricValue is nil for what is no number: it is not served, where prometheus-adapter serves zero.
func (p *customProvider) metricValue(name types.NamespacedName, info provider.CustomMetricInfo, metricSelector labels.Selector, found reading, window *int64) (*custom_metrics.MetricValue, error) {
	value, ok := quantity(found.value)
	if !ok {
		return nil, nil
	}
	reference, err := helpers.ReferenceFor(p.mapper, name, info)
	if err != nil {
		return nil, err
	}
	metric := &custom_metrics.MetricValue{
		DescribedObject: reference,
		Metric:          custom_metrics.MetricIdentifier{Name: info.Metric},
		Timestamp:       metav1.NewTime(found.time),
		WindowSeconds:   window,
		Value:           value,
	}
	if !metricSelector.Empty() {
		metric.Metric.Selector, err = metav1.ParseToLabelSelector(metricSelector.String())
	}
	return metric, err
}
