//! What the client asks, and the ten lines that make tonic understand Pellucid's errors.

use ::http::{Request, Response};
use futures_util::stream;
use http_body_util::BodyExt;
use pellucid::client::{Client, Url};
use pellucid::driver::{self, ErrorCode};
use pellucid::http::RecvBody;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Service, ServiceBuilder};

use crate::Error;
use crate::proto::weather_client::WeatherClient;
use crate::proto::{ForecastRequest, Place};

/// Asks for the weather of the first place, now and in the next hours, and then of them all.
pub(crate) async fn run(url: &str, places: &[String]) -> Result<(), Error> {
    let url: Url = url.parse()?;
    let mut client = WeatherClient::new(understood(Client::new().at(&url)?));

    let places: Vec<Place> = places.iter().map(|name| Place { name: name.clone() }).collect();
    let first = places.first().cloned().unwrap_or_default();
    let now = client.now(first.clone()).await?.into_inner();
    println!("now: {} °C in {}", now.celsius, now.place);

    let mut forecast = client.forecast(ForecastRequest { place: Some(first), hours: 3 }).await?.into_inner();
    while let Some(reading) = forecast.message().await? {
        println!("in {} h: {} °C in {}", reading.hour, reading.celsius, reading.place);
    }

    let mut tour = client.tour(stream::iter(places)).await?.into_inner();
    while let Some(reading) = tour.message().await? {
        println!("tour: {} °C in {}", reading.celsius, reading.place);
    }
    Ok(())
}

/// The service, its errors as tonic wants them.
fn understood<S>(service: S) -> impl Channel
where
    S: Service<Request<Body>, Response = Response<RecvBody>, Error = driver::Error, Future: Send> + Clone,
{
    ServiceBuilder::new()
        .map_response(|response: Response<RecvBody>| response.map(|body| Body::new(body.map_err(status))))
        .map_err(status)
        .service(service)
}

/// What generated clients call.
trait Channel: Service<Request<Body>, Response = Response<Body>, Error = Status, Future: Send> + Clone {}

impl<S> Channel for S where S: Service<Request<Body>, Response = Response<Body>, Error = Status, Future: Send> + Clone {}

/// gRPC's codes for HTTP/2's; tonic looks for a `Status` in the errors of its transport.
fn status(error: driver::Error) -> Status {
    let code = match error.code() {
        Some(ErrorCode::REFUSED_STREAM) => Code::Unavailable,
        Some(ErrorCode::CANCEL) => Code::Cancelled,
        Some(ErrorCode::ENHANCE_YOUR_CALM) => Code::ResourceExhausted,
        Some(_) => Code::Internal,
        None if error.is_timeout() => Code::DeadlineExceeded,
        None => Code::Unavailable,
    };
    Status::new(code, error.to_string())
}

#[cfg(test)]
mod tests {
    use pellucid::driver::memory;
    use pellucid::http::{Channel, service};
    use tonic::service::Interceptor;

    use super::*;
    use crate::proto::weather_server::WeatherServer;
    use crate::service::Station;

    fn channel(service: impl driver::Service) -> impl super::Channel {
        understood(Channel::new(memory::connect(service), "http://localhost".parse().expect("it is an origin")))
    }

    fn bergen() -> Place {
        Place { name: "Bergen".to_owned() }
    }

    #[tokio::test]
    async fn what_http2_says_of_a_stream_is_said_in_the_words_of_grpc() {
        let rows = [
            (ErrorCode::REFUSED_STREAM, Code::Unavailable),
            (ErrorCode::CANCEL, Code::Cancelled),
            (ErrorCode::ENHANCE_YOUR_CALM, Code::ResourceExhausted),
            (ErrorCode::INTERNAL_ERROR, Code::Internal),
            (ErrorCode::PROTOCOL_ERROR, Code::Internal),
        ];
        for (code, expected) in rows {
            let reset = move |request: driver::Request| async move {
                request.control().expect("it came on a stream").reset(code);
                std::future::pending::<driver::Response>().await
            };
            let status = WeatherClient::new(channel(reset)).now(bergen()).await.expect_err("it was reset");
            assert_eq!(status.code(), expected, "{code:?}: {status}");
        }
    }

    #[tokio::test]
    async fn a_reset_amid_the_answer_is_said_in_the_same_words() {
        let cut = |request: driver::Request| async move {
            let (sender, body) = driver::Body::channel(1);
            let control = request.control().expect("it came on a stream");
            tokio::spawn(async move {
                // Half a message: flag, length 4, one octet.
                sender.send(&[0_u8, 0, 0, 0, 4, 10][..]).await.expect("the client reads");
                control.reset(ErrorCode::ENHANCE_YOUR_CALM);
            });
            driver::Response::new(200).with_header("content-type", "application/grpc").with_body(body)
        };
        let mut client = WeatherClient::new(channel(cut));
        let asked = ForecastRequest { place: Some(bergen()), hours: 3 };
        let failed = match client.forecast(asked).await {
            Ok(readings) => readings.into_inner().message().await.expect_err("it was cut"),
            Err(status) => status,
        };
        assert_eq!(failed.code(), Code::ResourceExhausted, "{failed}");
    }

    /// Puts a token into every call.
    #[derive(Clone)]
    struct Token;

    impl Interceptor for Token {
        fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, Status> {
            request.metadata_mut().insert("x-token", "sesame".parse().map_err(|_| Status::internal("no token"))?);
            Ok(request)
        }
    }

    #[tokio::test]
    async fn interceptors_work_on_both_sides() {
        let guard = |request: tonic::Request<()>| match request.metadata().get("x-token") {
            Some(token) if token == "sesame" => Ok(request),
            _ => Err(Status::unauthenticated("who are you?")),
        };
        let guarded = || channel(service(WeatherServer::with_interceptor(Station, guard)));
        let refused = WeatherClient::new(guarded()).now(bergen()).await.expect_err("it has no token");
        assert_eq!((refused.code(), refused.message()), (Code::Unauthenticated, "who are you?"));
        let reading = WeatherClient::with_interceptor(guarded(), Token).now(bergen()).await.expect("it has a token");
        assert_eq!(reading.into_inner().celsius, 11);
    }
}
