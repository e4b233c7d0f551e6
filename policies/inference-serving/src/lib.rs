//! `inference-serving`: servers of models that take requests when they can answer, survive their own start, start
//! soon, and have room for what they load.
//!
//! Only containers that ask for accelerators and run a server of the table in `tollgate_gpu::WORKLOADS` are judged.

use tollgate_sdk::prelude::*;

mod server;
use server::Server;

mod place;

mod probes;

mod image;

mod room;

mod share;

mod torchserve;

mod backend;

const UNMAINTAINED: Rule = Rule::warn(
    "torchserve-unmaintained",
    "A container runs TorchServe, which is no longer maintained and gets no more security fixes.",
);

/// Settings of `inference-serving`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct InferenceServing {
    /// Whether servers get the readiness probe that they lack, and a startup probe where the liveness probe may end
    /// their start: only where the port can be told from the manifest.
    set_probes: bool,
    /// Whether `imagePullPolicy: Always` becomes `IfNotPresent` where the image has a fixed tag or a digest. Not to
    /// be switched on where the API server's AlwaysPullImages is: it refuses such pods.
    set_pull_policy: bool,
    /// How many seconds a start may take here, model and all. Left out, each server has its own from a table: for
    /// language models it is 120 before a liveness probe is said to be too early, and 900 that a startup probe allows.
    start_seconds: Option<u32>,
}

impl Policy for InferenceServing {
    const INFO: Info = Info::new(
        "inference-serving",
        "Sees to the probes, the image and the memory of inference servers: vLLM, SGLang, Text Generation Inference, Triton, NIM, Ray Serve, llama.cpp and others.",
        &[
            probes::FROM_TABLE,
            probes::NOT_READY,
            probes::KILLED,
            image::SET_POLICY,
            image::ALWAYS,
            image::MOVING,
            room::NO_ROOM,
            share::WHOLE,
            UNMAINTAINED,
            torchserve::OPEN,
            backend::SELECTS_NOTHING,
        ],
    )
    .judges(&[
        "pods",
        "ConfigMap",
        backend::ROUTE,
        backend::INGRESS,
        backend::POOL,
        backend::OLD_POOL,
    ])
    .wants(&["cluster"])
    .mutates()
    .validates();

    fn check(&self) -> Result<(), String> {
        match self.start_seconds {
            Some(seconds) if !(1..=86_400).contains(&seconds) => Err(format!(
                "startSeconds: `{seconds}` must be from 1 to 86400, a day"
            )),
            _ => Ok(()),
        }
    }

    fn mutate(&self, review: &Review) -> Outcome {
        if !self.set_probes && !self.set_pull_policy {
            return Ok(());
        }
        let pods = review.pods();
        for pod in pods.iter() {
            for container in pod.containers().iter() {
                let Some(server) = Server::of(pod, container) else {
                    continue;
                };
                if self.set_probes && place::takes_requests(pod, &server) {
                    probes::repair(self.start_seconds, &server)?;
                }
                if self.set_pull_policy {
                    image::repair(&server)?;
                }
            }
        }
        Ok(())
    }

    fn validate(&self, review: &Review) -> Outcome {
        let pods = review.pods();
        if pods.is_empty() {
            if review.kind_dot_group() == "ConfigMap" {
                torchserve::report(review);
            }
            backend::report(review);
        }
        for pod in pods.iter() {
            for container in pod.containers().iter() {
                if let Some(server) = Server::of(pod, container) {
                    self.report(pod, &server);
                }
            }
        }
        Ok(())
    }
}

impl InferenceServing {
    fn report(&self, pod: &Pod, server: &Server<'_>) {
        if place::takes_requests(pod, server) {
            probes::report(self.start_seconds, server);
        }
        image::report(server);
        room::report(pod, server);
        share::report(pod, server);
        if server.program.known.name == "torchserve" {
            report_unmaintained(server);
        }
    }
}

fn report_unmaintained(server: &Server<'_>) {
    UNMAINTAINED
        .finding(
            server.container.path(),
            format!(
                "container `{}` runs TorchServe, which gets no more security fixes",
                server.container.name()
            ),
        )
        .actual("TorchServe")
        .allowed("a server that gets security fixes")
        .fix("move the model to a server that is maintained, such as Triton, vLLM or Ray Serve")
        .report();
}

#[cfg(test)]
mod tests;
