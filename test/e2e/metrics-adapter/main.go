// A metrics adapter for tests: custom.metrics.k8s.io (v1beta1, v1beta2) and external.metrics.k8s.io (v1beta1) on the library that
// prometheus-adapter is built from, answered from a Prometheus. What a metric means is in config.go.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/component-base/logs"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/klog/v2"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver/metrics"
	basecmd "sigs.k8s.io/custom-metrics-apiserver/pkg/cmd"
)

func main() {
	logs.InitLogs()
	defer logs.FlushLogs()
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, os.Args); err != nil {
		klog.ErrorS(err, "the metrics adapter has failed")
		logs.FlushLogs()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	base := &basecmd.AdapterBase{Name: "concertina-test-adapter"}
	flags := base.Flags()
	prometheusURL := flags.String("prometheus-url", "", "base URL of the Prometheus that is asked, without /api/v1")
	configFile := flags.String("config", "", "JSON file with rules; without, each series is the metric of its name")
	timeout := flags.Duration("prometheus-timeout", 5*time.Second, "a query that takes longer fails")
	logs.AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *prometheusURL == "" {
		return fmt.Errorf("--prometheus-url is missing")
	}
	rules, err := readConfig(*configFile)
	if err != nil {
		return err
	}
	client, err := base.DynamicClient()
	if err != nil {
		return err
	}
	mapper, err := base.RESTMapper()
	if err != nil {
		return err
	}
	prometheus := newPrometheus(*prometheusURL, *timeout)
	catalogue := &catalogue{prometheus: prometheus, rules: rules}
	base.WithCustomMetrics(&customProvider{prometheus: prometheus, rules: rules, catalogue: catalogue, client: client, mapper: mapper})
	base.WithExternalMetrics(&externalProvider{prometheus: prometheus, rules: rules, catalogue: catalogue})
	if err := metrics.RegisterMetrics(legacyregistry.Register); err != nil {
		return err
	}
	klog.InfoS("serving", "prometheus", *prometheusURL, "rules", len(rules.Custom)+len(rules.External))
	return base.Run(ctx)
}
