//! What the client asks, and the ten lines that make tonic understand Pellucid's errors.

use ::http::Response;
use futures_util::stream;
use http_body_util::BodyExt;
use pellucid::client::{Client, Url};
use pellucid::driver::{self, ErrorCode};
use pellucid::http::RecvBody;
use tonic::{Code, Status};
use tower::ServiceBuilder;

use crate::Error;
use crate::proto::weather_client::WeatherClient;
use crate::proto::{ForecastRequest, Place};

/// Asks for the weather of the first place, now and in the next hours, and then of them all.
pub(crate) async fn run(url: &str, places: &[String]) -> Result<(), Error> {
    let url: Url = url.parse()?;
    let channel = ServiceBuilder::new()
        .map_response(|response: Response<RecvBody>| response.map(|body| body.map_err(status)))
        .map_err(status)
        .service(Client::new().at(&url)?);
    let mut client = WeatherClient::new(channel);

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
